#include "store/internal/family_verifier.hpp"

#include <map>
#include <set>

#include "store/internal/page_survey.hpp"
#include "store/internal/read_points.hpp"
#include "store/internal/tags.hpp"
#include "store/internal/unit_table.hpp"
#include "store/internal/written_lists.hpp"

namespace sojourn::store {

namespace {

class Verifier {
public:
    explicit Verifier(const Environment& environment) : environment_(environment) {}

    Result<std::vector<std::string>> run() {
        problems_ = TRY(survey_pages(environment_)).problems;
        TRY(check_records());
        TRY(check_attachments());
        TRY(check_lists());
        TRY(count_values());
        // A count is one moment's; with a writer at work the two are of different moments.
        if (values_ > listed_ && records_commit_ == values_commit_) {
            report("{} units are listed by no version", values_ - listed_);
        }
        return std::move(problems_);
    }

private:
    template <typename... Args>
    void report(fmt::format_string<Args...> format, Args&&... args) {
        problems_.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    /// Damage becomes a sentence; anything else ends the walk.
    template <typename T>
    Result<bool> holds(const Result<T>& result) {
        if (result.ok()) return true;
        if (result.error().code != ErrorCode::corrupt) return result.error();
        problems_.push_back(result.error().message);
        return false;
    }

    Result<void> check_records();
    Result<void> check_attachments();
    Result<void> check_lists();
    Result<void> check_list(const Transaction& transaction, const WrittenList& list,
                            std::byte* scratch, ByteVector& unit);
    Result<bool> is_pending(const Transaction& transaction, const ListKey& key) const;
    Result<void> count_values();

    const Environment& environment_;
    std::vector<std::string> problems_;
    std::vector<Version> checkpoints_;
    std::size_t unit_bytes_ = 0;
    std::uint64_t records_commit_ = 0;  ///< the one that was looked at
    std::uint64_t values_commit_ = 0;
    std::uint64_t listed_ = 0;
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
            report("branch {} has lost its parent {}", plain(branch.id), plain(parent));
        }
    }
    std::set<Version> checkpoints;
    for (const CheckpointInfo& checkpoint : TRY(read_checkpoints(transaction))) {
        checkpoints.insert(checkpoint.id);
        checkpoints_.push_back(checkpoint.id);
        if (!branches.contains(checkpoint.branch)) {
            report("checkpoint {} has lost its branch", plain(checkpoint.id));
        }
        if (checkpoint.id > family.last_version) {
            report("checkpoint {} has a number that may be given out again", plain(checkpoint.id));
        }
    }
    TRY(holds(read_tags(transaction, {})));
    for (const ProcessRecord& process : TRY(read_processes(transaction))) {
        const auto branch = branches.find(process.branch);
        if (branch == branches.end() || branch->second != process.id) {
            report("process {} has lost its branch", process.id.hex());
        }
        if (process.head != kNoVersion && !checkpoints.contains(process.head)) {
            report("process {} has lost its head {}", process.id.hex(), plain(process.head));
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
            report("{} is missing", subject);
        } else {
            TRY(holds(decode_blob(*value, subject)));
        }
    }
    return {};
}

Result<void> Verifier::check_lists() {
    ByteVector unit(unit_bytes_);
    for (ListKey from;;) {
        const auto transaction = TRY(environment_.read());
        const auto list = TRY(next_list(transaction, from));
        if (!list) return {};
        TRY(check_list(transaction, *list, transaction.scratch(), unit));
        from = list->key;
        ++from.sequence;
    }
}

/// Swept or published in a moment: its units may have no reader.
Result<bool> Verifier::is_pending(const Transaction& transaction, const ListKey& key) const {
    const auto sweep =
        TRY(transaction.get(index_of(FamilyTable::sweeps), make_key(key.branch, key.version)));
    const auto staged = TRY(transaction.get(index_of(FamilyTable::staged), make_key(key.version)));
    return sweep.has_value() || staged.has_value();
}

Result<void> Verifier::check_list(const Transaction& transaction, const WrittenList& list,
                                  std::byte* scratch, ByteVector& unit) {
    const ReadPoints points = TRY(ReadPoints::of(transaction));
    const bool pending = TRY(is_pending(transaction, list.key));
    for (const UnitKey& key : list.units()) {
        ++listed_;
        if (pending) continue;
        // From the root each time, as a reader may come: a cursor that stands close by would not
        // notice a damaged way to where it is.
        Cursor pages = transaction.cursor(kPages);
        const auto name = fmt::format("unit {} of region {} in version {}", plain(key.unit),
                                      plain(key.region), plain(list.key.version));
        const auto stored =
            find_on_branch(transaction, pages, list.key.branch, key, list.key.version);
        if (!TRY(holds(stored))) continue;
        if (!*stored || (*stored)->at.version != list.key.version) {
            report("{} is missing", name);
            continue;
        }
        const auto value = (*stored)->joined(scratch);
        const bool whole = TRY(holds(value));
        if (whole) {
            const auto decoded = decode_unit(key, *value, unit);
            if (!decoded.ok()) report("{}: {}", name, decoded.error().message);
        }
        const bool read =
            TRY(points.reach(transaction, pages, {list.key.branch, key, list.key.version}));
        if (!read) report("{} is read by no checkpoint", name);
    }
    return {};
}

Result<void> Verifier::count_values() {
    const auto transaction = TRY(environment_.read());
    values_commit_ = transaction.commit_number();
    Cursor pages = transaction.cursor(kPages);
    for (bool found = TRY(pages.next()); found; found = TRY(pages.next())) {
        if (TRY(holds(parse_unit_key(pages.key()))) && pages.key().size() == kUnitVersionKeyBytes) {
            ++values_;
        }
    }
    return {};
}

}  // namespace

Result<std::vector<std::string>> verify_family(const Environment& environment) {
    return Verifier(environment).run();
}

}  // namespace sojourn::store
