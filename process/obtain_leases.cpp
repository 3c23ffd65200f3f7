#include "process/internal/obtain_leases.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "leases/file_history.hpp"
#include "process/internal/grants.hpp"
#include "process/runner_lock.hpp"

namespace sojourn::process {

namespace {

using leases::Admission;
using leases::Place;

/// `process 'x': ` in front of what the leases say, which know of no processes.
Error with_name(const store::ProcessRecord& process, const Error& error) {
    return fail(error.code, "process '{}': {}", display_name(process), error.message);
}

leases::AdmissionTerms terms_of(const ResumeOptions& options, leases::Grants granted) {
    leases::AdmissionTerms terms = options.admission;
    terms.granted = std::move(granted);
    return terms;
}

/// Those that the process may change something in.
std::set<std::string> directories_of(leases::LeaseManager& leases) {
    std::set<std::string> directories;
    for (const Place* place : leases.places()) {
        if (!place->is_in_attic() && !place->is_read_only) directories.insert(place->grant);
    }
    return directories;
}

/// Makes files what they were at a moment of the process's own history. That names places by the
/// directories they were in: below those in which the process holds nothing any more, because it
/// has moved, is to be kept or can't be had, nothing is touched.
class FileReturn {
public:
    /// Requires: recipes have not been moved yet.
    FileReturn(leases::LeaseManager& leases, const OnResumeChoices& choices)
        : leases_(leases), known_(directories_of(leases)) {
        for (const OnResumeChoice& choice : choices) {
            if (!choice.guest_path) keeps_log_ = choice.on_resume == leases::OnResume::keep;
        }
    }

    Result<void> perform(leases::FileHistory& files, leases::HistoryPosition position,
                         const std::vector<Admission::Outlook>& outlooks,
                         const leases::Grants& granted) const {
        std::set<std::string> reached;
        bool rolls_back = files.has_log() && !keeps_log_;
        for (const Admission::Outlook& outlook : outlooks) {
            const Place* place = leases_.find(outlook.lease.id)->place();
            if (place == nullptr || place->has_moved || !outlook.is_available()) continue;
            if (place->on_resume != leases::OnResume::keep) reached.insert(place->grant);
            rolls_back = rolls_back || place->rolls_back();
        }
        if (!rolls_back) {
            std::set<std::string> kept = known_;
            for (const std::string& directory : reached)
                kept.erase(directory);
            if (files.has_log()) kept.insert(kLog);
            return files.go_on(position, kept);
        }
        return files.roll_back(position, [&](const Place& place) {
            if (place.is_log())
                return keeps_log_ ? leases::Reach::kept : leases::Reach::brought_back;
            if (!reached.contains(place.grant)) return leases::Reach::kept;
            const bool is_granted =
                granted.cover({leases::Grant::Kind::directory, place.grant, false}) ||
                granted.cover({leases::Grant::Kind::file, place.description(), false});
            return is_granted ? leases::Reach::brought_back : leases::Reach::not_granted;
        });
    }

private:
    static constexpr const char* kLog = "";  // as FileHistory::go_on() has it

    leases::LeaseManager& leases_;
    std::set<std::string> known_;
    bool keeps_log_ = false;  ///< the process's own, of when it ran detached
};

/// What the history of a process that does not run will do to its files, as far as one can tell.
class PastOfFiles {
public:
    PastOfFiles(leases::LeaseManager& leases, const store::Store& store,
                const store::ProcessRecord& process, const FileMoment& moment, bool takes_over) {
        std::error_code problem;
        const std::filesystem::path directory = store.file_history_directory(process);
        if (moment.process != process.id || !std::filesystem::exists(directory, problem)) return;
        will_change_ = &Place::is_brought_back;
        const bool goes_back = std::ranges::any_of(leases.places(), [](const Place* place) {
            return place->rolls_back() && !place->has_moved;
        });
        // What a runner that lives will have done to them by then, nobody knows.
        if (goes_back && !takes_over) verdict_ = look_ahead(store, process, moment, directory);
    }

    [[nodiscard]] const leases::WillChange& will_change() const { return will_change_; }
    [[nodiscard]] const Result<void>& verdict() const { return verdict_; }

private:
    Result<void> look_ahead(const store::Store& store, const store::ProcessRecord& process,
                            const FileMoment& moment, const std::filesystem::path& directory) {
        lock_.emplace(TRY(RunnerLock::acquire(store.run_directory(), process.id)));
        history_ = TRY(leases::FileHistory::open(directory));
        will_change_ = TRY(history_->forecast(leases::HistoryPosition{moment.position}));
        return {};
    }

    std::optional<RunnerLock> lock_;
    std::unique_ptr<leases::FileHistory> history_;
    leases::WillChange will_change_;
    Result<void> verdict_;
};

Result<leases::Grants> obtain(leases::LeaseManager& leases, const FileMoment& moment,
                              const ResumeOptions& options, leases::Grants granted,
                              store::ProcessId process) {
    leases.set_terms(options.execution.lease_terms);
    TRY(apply(options.on_resume, leases));
    const FileReturn files(leases, options.on_resume);
    auto admission = TRY(Admission::prepare(leases, terms_of(options, std::move(granted))));
    leases::FileHistory* const history = leases.host().files;
    // What was imported has no past here: its files are compared.
    if (history != nullptr && moment.process == process) {
        const auto outlooks = admission.examine(&Place::is_brought_back);
        TRY(admission.check(outlooks));
        TRY(files.perform(*history, leases::HistoryPosition{moment.position}, outlooks,
                          admission.granted()));
    }
    TRY(admission.obtain());
    return admission.granted();
}

}  // namespace

Result<void> obtain_leases(leases::LeaseManager& leases, const FileMoment& moment,
                           const ResumeOptions& options, store::Store& store,
                           const store::ProcessRecord& process) {
    const auto before = TRY(kept_grants(store, process));
    const auto granted = obtain(leases, moment, options, before, process.id);
    if (!granted.ok()) return with_name(process, granted.error());
    return keep_grants(*granted, before, store, process);
}

Result<void> examine_leases(leases::LeaseManager& leases, const FileMoment& moment,
                            const ResumeOptions& options, const store::Store& store,
                            Examination& examination) {
    const store::ProcessRecord& process = examination.process;
    const auto granted = TRY(kept_grants(store, process));
    const auto chosen = apply(options.on_resume, leases);
    if (!chosen.ok()) return with_name(process, chosen.error());
    const auto admission = Admission::prepare(leases, terms_of(options, granted));
    if (!admission.ok()) return with_name(process, admission.error());
    const PastOfFiles past(leases, store, process, moment, options.takes_over);
    examination.leases = admission->examine(past.will_change());
    examination.verdict = admission->check(examination.leases);
    if (examination.verdict.ok()) examination.verdict = past.verdict();
    if (!examination.verdict.ok())
        examination.verdict = with_name(process, examination.verdict.error());
    return {};
}

}  // namespace sojourn::process
