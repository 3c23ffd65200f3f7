#include "store/internal/family_verifier.hpp"

#include <map>
#include <set>

#include "store/internal/list_verifier.hpp"
#include "store/internal/page_survey.hpp"
#include "store/internal/tags.hpp"
#include "store/internal/unit_table.hpp"

namespace sojourn::store {

namespace {

class Verifier {
public:
    Verifier(const Environment& environment, WorkCrew& crew, const BytesSeen& progress)
        : environment_(environment), crew_(crew), progress_(progress) {}

    Result<std::vector<std::string>> run() {
        findings_.problems = TRY(survey_pages(environment_)).problems;
        TRY(check_records());
        TRY(check_attachments());
        ListVerifier lists(environment_, unit_bytes_, progress_);
        TRY(crew_.share([&lists] { return lists.work(); }));
        lists.give_problems_to(findings_.problems);
        TRY(count_values());
        // A count is one moment's; with a writer at work the two are of different moments.
        if (values_ > lists.unit_count() && records_commit_ == values_commit_) {
            findings_.report("{} units are listed by no version", values_ - lists.unit_count());
        }
        return std::move(findings_.problems);
    }

private:
    Result<void> check_records();
    Result<void> check_attachments();
    Result<void> count_values();

    const Environment& environment_;
    WorkCrew& crew_;
    const BytesSeen& progress_;
    Findings findings_;
    std::vector<Version> checkpoints_;
    std::size_t unit_bytes_ = 0;
    std::uint64_t records_commit_ = 0;  ///< the one that was looked at
    std::uint64_t values_commit_ = 0;
    std::uint64_t values_ = 0;
};

Result<void> Verifier::check_records() {
    const auto transaction = TRY(environment_.read());
    records_commit_ = transaction.commit_number();
    const auto family = TRY(read_family_record(transaction));
    unit_bytes_ = family.unit_bytes;
    std::map<BranchId, ProcessId> branches;  // and whose they are
    for (const NumberedBranch& branch : TRY(read_branches(transaction))) {
        branches.emplace(branch.id, branch.record.owner);
        const BranchId parent = branch.record.parent;
        if (parent >= branch.id || (parent != kNoBranch && !branches.contains(parent))) {
            findings_.report("branch {} has lost its parent {}", plain(branch.id), plain(parent));
        }
    }
    std::set<Version> checkpoints;
    for (const CheckpointInfo& checkpoint : TRY(read_checkpoints(transaction))) {
        checkpoints.insert(checkpoint.id);
        checkpoints_.push_back(checkpoint.id);
        if (!branches.contains(checkpoint.branch)) {
            findings_.report("checkpoint {} has lost its branch", plain(checkpoint.id));
        }
        if (checkpoint.id > family.last_version) {
            findings_.report("checkpoint {} has a number that may be given out again",
                             plain(checkpoint.id));
        }
    }
    TRY(findings_.holds(read_tags(transaction, {})));
    for (const ProcessRecord& process : TRY(read_processes(transaction))) {
        const auto branch = branches.find(process.branch);
        if (branch == branches.end() || branch->second != process.id) {
            findings_.report("process {} has lost its branch", process.id.hex());
        }
        if (process.head != kNoVersion && !checkpoints.contains(process.head)) {
            findings_.report("process {} has lost its head {}", process.id.hex(),
                             plain(process.head));
        }
    }
    return {};
}

Result<void> Verifier::check_attachments() {
    for (const Version checkpoint : checkpoints_) {
        const auto transaction = TRY(environment_.read());
        const auto value =
            TRY(transaction.get(index_of(FamilyTable::attachments), make_key(checkpoint)));
        const std::string subject = fmt::format("the state of checkpoint {}", plain(checkpoint));
        if (!value) {
            findings_.report("{} is missing", subject);
        } else {
            TRY(findings_.holds(decode_blob(*value, subject)));
        }
    }
    return {};
}

Result<void> Verifier::count_values() {
    const auto transaction = TRY(environment_.read());
    values_commit_ = transaction.commit_number();
    Cursor pages = transaction.cursor(kPages);
    for (bool found = TRY(pages.next()); found; found = TRY(pages.next())) {
        if (TRY(findings_.holds(parse_unit_key(pages.key()))) &&
            pages.key().size() == kUnitVersionKeyBytes) {
            ++values_;
        }
    }
    return {};
}

}  // namespace

Result<std::vector<std::string>> verify_family(const Environment& environment, WorkCrew& crew,
                                               const BytesSeen& progress) {
    return Verifier(environment, crew, progress).run();
}

}  // namespace sojourn::store
