#include "store/verify.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>

#include "store/internal/lmdb_family.hpp"

namespace sojourn::store {

namespace {

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

    Result<void> run(WorkCrew& crew, const BytesSeen& progress) {
        const auto family = store_.family(family_);
        if (!family.ok()) return note_for_all(family.error());
        const ProcessRecord& first = processes_.front();
        const auto* database = dynamic_cast<const LmdbFamily*>(family->get());
        const auto problems =
            database != nullptr ? database->verify_together(crew, progress) : (*family)->verify();
        if (!problems.ok()) TRY(note(first, problems.error()));
        for (const std::string& what : problems.ok() ? *problems : std::vector<std::string>())
            report.problems.push_back({name_of(first), what});
        if (report.problems.empty()) return {};
        for (const ProcessRecord& process : processes_)
            TRY(find_lost(process, **family, crew));
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

    /// Each checkpoint is read in full; several at once.
    Result<void> find_lost(const ProcessRecord& process, const Family& family, WorkCrew& crew) {
        const auto checkpoints = family.checkpoints(process.id);
        if (!checkpoints.ok()) return note(process, checkpoints.error());
        std::vector<std::optional<Error>> errors(checkpoints->size());
        std::atomic<std::size_t> next = 0;
        TRY(crew.share([&]() -> Result<void> {
            ByteVector unit(store_.unit_bytes());
            for (std::size_t index = next++; index < errors.size(); index = next++) {
                const auto read = read_in_full(family, (*checkpoints)[index].id, unit);
                if (!read.ok()) errors[index] = read.error();
            }
            return {};
        }));
        for (std::size_t index = 0; index < errors.size(); ++index) {
            if (!errors[index]) continue;
            if (!is_damage(*errors[index])) return *errors[index];
            report.lost.push_back(
                {name_of(process), (*checkpoints)[index].id, errors[index]->message});
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

}  // namespace

Result<VerifyReport> verify_store(Store& store, const BytesSeen& progress) {
    VerifyReport report;
    for (const std::string& what : TRY(store.verify_catalogue()))
        report.problems.push_back({"", what});
    std::vector<FamilyCheck> checks = checks_of(store, TRY(store.listed()));
    std::mutex progress_mutex;
    const BytesSeen tell = [&](std::uint64_t bytes) {
        const std::lock_guard lock(progress_mutex);
        progress(bytes);
    };
    WorkCrew crew;
    std::atomic<std::size_t> next = 0;
    TRY(crew.share([&]() -> Result<void> {
        for (std::size_t index = next++; index < checks.size(); index = next++) {
            const auto checked = checks[index].run(crew, tell);
            if (!checked.ok()) next = checks.size();
            if (!checked.ok()) return checked;
        }
        return {};
    }));
    for (FamilyCheck& check : checks) {
        std::ranges::move(check.report.problems, std::back_inserter(report.problems));
        std::ranges::move(check.report.lost, std::back_inserter(report.lost));
    }
    return report;
}

}  // namespace sojourn::store
