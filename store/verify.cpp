#include "store/verify.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "base/background_job.hpp"

namespace sojourn::store {

namespace {

constexpr unsigned kThreadsMax = 16;

std::string name_of(const ProcessRecord& process) {
    return process.name.empty() ? process.id.hex() : process.name;
}

/// What a damaged family answers; what else is refused ends the walk.
bool is_damage(const Error& error) {
    return error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found ||
           error.code == ErrorCode::unsupported_format;
}

Result<void> read_in_full(const Family& family, Version checkpoint, MutableBytes unit) {
    const View view = TRY(family.view_of(checkpoint));
    TRY(family.read_attachment(checkpoint));
    return family.for_each_unit(
        view, [&](UnitKey key, Bytes value) { return decode_unit(key, value, unit); });
}

/// One family, and the processes of it that are listed.
class FamilyCheck {
public:
    FamilyCheck(Store& store, FamilyId family) : store_(store), family_(family) {}

    void add(const ProcessRecord& process) { processes_.push_back(process); }
    [[nodiscard]] std::size_t process_count() const { return processes_.size(); }

    Result<void> run() {
        const auto family = store_.family(family_);
        if (!family.ok()) return note_for_all(family.error());
        const ProcessRecord& first = processes_.front();
        const auto problems = (*family)->verify();
        if (!problems.ok()) TRY(note(first, problems.error()));
        for (const std::string& what : problems.ok() ? *problems : std::vector<std::string>())
            report.problems.push_back({name_of(first), what});
        if (report.problems.empty()) return {};
        ByteVector unit(store_.unit_bytes());
        for (const ProcessRecord& process : processes_)
            TRY(find_lost(process, **family, unit));
        return {};
    }

    VerifyReport report;

private:
    Result<void> note(const ProcessRecord& process, const Error& error) {
        if (!is_damage(error)) return error;
        report.problems.push_back({name_of(process), error.message});
        return {};
    }

    Result<void> note_for_all(const Error& error) {
        for (const ProcessRecord& process : processes_)
            TRY(note(process, error));
        return {};
    }

    Result<void> find_lost(const ProcessRecord& process, const Family& family, MutableBytes unit) {
        const auto checkpoints = family.checkpoints(process.id);
        if (!checkpoints.ok()) return note(process, checkpoints.error());
        for (const CheckpointInfo& info : *checkpoints) {
            const auto read = read_in_full(family, info.id, unit);
            if (read.ok()) continue;
            if (!is_damage(read.error())) return read.error();
            report.lost.push_back({name_of(process), info.id, read.error().message});
        }
        return {};
    }

    Store& store_;
    FamilyId family_;
    std::vector<ProcessRecord> processes_;
};

/// In the order in which their first processes are listed.
std::vector<FamilyCheck> checks_of(Store& store, const std::vector<ProcessRecord>& listed) {
    std::map<FamilyId, std::size_t> places;
    std::vector<FamilyCheck> checks;
    for (const ProcessRecord& process : listed) {
        const auto [place, is_new] = places.emplace(process.family, checks.size());
        if (is_new) checks.emplace_back(store, process.family);
        checks[place->second].add(process);
    }
    return checks;
}

/// Takes the next check until there is none; the first error ends all work.
class CheckQueue {
public:
    CheckQueue(std::vector<FamilyCheck>& checks, std::size_t all, const VerifyProgress& progress)
        : checks_(checks), all_(all), progress_(progress) {}

    Result<void> work() {
        while (FamilyCheck* check = take()) {
            const auto done = check->run();
            if (!done.ok()) next_ = checks_.size();
            TRY(done);
        }
        return {};
    }

private:
    FamilyCheck* take() {
        const std::size_t index = next_.fetch_add(1);
        if (index >= checks_.size()) return nullptr;
        const std::lock_guard lock(progress_mutex_);
        progress_(begun_, all_);
        begun_ += checks_[index].process_count();
        return &checks_[index];
    }

    std::vector<FamilyCheck>& checks_;
    std::size_t all_;
    const VerifyProgress& progress_;
    std::atomic<std::size_t> next_ = 0;
    std::mutex progress_mutex_;
    std::size_t begun_ = 0;  ///< processes
};

}  // namespace

Result<VerifyReport> verify_store(Store& store, const VerifyProgress& progress) {
    VerifyReport report;
    for (const std::string& what : TRY(store.verify_catalogue()))
        report.problems.push_back({"", what});
    const auto listed = TRY(store.listed());
    std::vector<FamilyCheck> checks = checks_of(store, listed);
    CheckQueue queue(checks, listed.size(), progress);
    const std::size_t cores = std::clamp(std::thread::hardware_concurrency(), 1U, kThreadsMax);
    std::vector<BackgroundJob> jobs(std::min(cores, checks.size()));
    for (BackgroundJob& job : jobs)
        TRY(job.begin([&queue] { return queue.work(); }));
    for (BackgroundJob& job : jobs)
        TRY(job.finish());
    for (FamilyCheck& check : checks) {
        std::ranges::move(check.report.problems, std::back_inserter(report.problems));
        std::ranges::move(check.report.lost, std::back_inserter(report.lost));
    }
    return report;
}

}  // namespace sojourn::store
