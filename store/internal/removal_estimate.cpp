#include "store/internal/removal_estimate.hpp"

#include <algorithm>
#include <set>

#include "store/internal/branches.hpp"
#include "store/internal/read_points.hpp"
#include "store/internal/unit_table.hpp"
#include "store/internal/written_lists.hpp"

namespace sojourn::store {

namespace {

using BranchVersion = std::pair<BranchId, Version>;

/// A family as it is, and as it would be without some of it.
class RemovalEstimate {
public:
    static Result<RemovalEstimate> of(const Transaction& transaction, const Removal& removal) {
        RemovalEstimate estimate(transaction);
        estimate.checkpoints_ = TRY(read_checkpoints(transaction));
        estimate.branches_ = TRY(branches_by_id(transaction));
        estimate.processes_ = TRY(read_processes(transaction));
        estimate.before_ = ReadPoints::of(estimate.checkpoints_, estimate.branches_);
        if (removal.process)
            std::erase_if(estimate.processes_, [&](const ProcessRecord& process) {
                return process.id == *removal.process;
            });
        TRY(estimate.take_out_checkpoints(removal));
        estimate.take_out_branches();
        estimate.after_ = ReadPoints::of(estimate.checkpoints_, estimate.branches_);
        return estimate;
    }

    Result<std::uint64_t> freed_bytes() const {
        std::uint64_t bytes = 0;
        for (const CheckpointInfo& info : removed_checkpoints_)
            bytes += TRY(attachment_bytes(info.id));
        for (const BranchVersion& version : TRY(versions_to_look_at()))
            bytes += TRY(freed_bytes_of(version));
        return bytes;
    }

private:
    explicit RemovalEstimate(const Transaction& transaction) : transaction_(&transaction) {}

    const ProcessRecord* standing_at(Version checkpoint) const {
        const auto found = std::ranges::find(processes_, checkpoint, &ProcessRecord::head);
        return found == processes_.end() ? nullptr : &*found;
    }

    Result<void> take_out_checkpoints(const Removal& removal) {
        std::set<Version> wanted(removal.checkpoints.begin(), removal.checkpoints.end());
        for (const Version version : wanted) {
            TRY(read_checkpoint(*transaction_, version));
            if (const ProcessRecord* process = standing_at(version)) {
                return fail(ErrorCode::busy, "checkpoint {} is where process {} goes on",
                            plain(version),
                            process->name.empty() ? process->id.hex() : process->name);
            }
        }
        std::erase_if(checkpoints_, [&](const CheckpointInfo& info) {
            const bool is_of_process = removal.process && info.process == *removal.process &&
                                       standing_at(info.id) == nullptr;
            const bool goes = is_of_process || wanted.contains(info.id);
            if (goes) removed_checkpoints_.push_back(info);
            return goes;
        });
        return {};
    }

    /// As remove_dead_branches() does. A child has a higher number than its parent.
    void take_out_branches() {
        std::set<BranchId> used;
        for (const CheckpointInfo& info : checkpoints_)
            used.insert(info.branch);
        for (const ProcessRecord& process : processes_)
            used.insert(process.branch);
        for (auto branch = branches_.end(); branch != branches_.begin();) {
            --branch;
            if (used.contains(branch->first)) {
                used.insert(branch->second.parent);
                continue;
            }
            removed_branches_.insert(*branch);
            branch = branches_.erase(branch);
        }
    }

    Result<std::uint64_t> attachment_bytes(Version checkpoint) const {
        const auto value =
            TRY(transaction_->get(index_of(FamilyTable::attachments), make_key(checkpoint)));
        return std::uint64_t{value ? value->size() : 0};
    }

    /// Those that may have written what only a point read that goes.
    Result<std::set<BranchVersion>> versions_to_look_at() const {
        std::set<BranchVersion> versions;
        for (const CheckpointInfo& info : removed_checkpoints_)
            TRY(add_released(versions, info.branch, info.id));
        for (const auto& [branch, record] : removed_branches_) {
            TRY(add_listing(versions, branch, kNoVersion, Version{UINT64_MAX}));
            TRY(add_released(versions, record.parent, record.fork));
        }
        return versions;
    }

    Result<void> add_released(std::set<BranchVersion>& versions, BranchId branch,
                              Version point) const {
        if (after_.contains(branch, point)) return {};
        return add_listing(versions, branch, after_.before(branch, point), point);
    }

    Result<void> add_listing(std::set<BranchVersion>& versions, BranchId branch, Version after,
                             Version last) const {
        for (const Version version : TRY(listing_versions(*transaction_, branch, after, last))) {
            if (!TRY(is_abandoned(*transaction_, branch, version)))
                versions.emplace(branch, version);
        }
        return {};
    }

    Result<std::uint64_t> freed_bytes_of(const BranchVersion& at) const {
        Cursor pages = transaction_->cursor(index_of(FamilyTable::pages));
        const auto& [branch, version] = at;
        std::uint64_t bytes = 0;
        for (ListKey key{branch, version, 0};; ++key.sequence) {
            const auto list = TRY(next_list(*transaction_, key));
            if (!list || list->key.branch != branch || list->key.version != version) return bytes;
            key = list->key;
            for (const UnitKey& unit : list->units())
                bytes += TRY(freed_bytes_of(pages, {branch, unit, version}));
        }
    }

    Result<std::uint64_t> freed_bytes_of(Cursor& pages, const UnitVersion& at) const {
        if (!TRY(before_.reach(*transaction_, pages, at))) return std::uint64_t{0};
        if (TRY(after_.reach(*transaction_, pages, at))) return std::uint64_t{0};
        const auto stored =
            TRY(find_on_branch(*transaction_, pages, at.branch, at.unit, at.version));
        return std::uint64_t{stored ? stored->head.size() + stored->tail.size() : 0};
    }

    const Transaction* transaction_;
    std::vector<CheckpointInfo> checkpoints_;
    Branches branches_;
    std::vector<ProcessRecord> processes_;
    std::vector<CheckpointInfo> removed_checkpoints_;
    Branches removed_branches_;
    ReadPoints before_;
    ReadPoints after_;
};

}  // namespace

Result<std::uint64_t> estimate_removal(const Transaction& transaction, const Removal& removal) {
    const auto estimate = TRY(RemovalEstimate::of(transaction, removal));
    return estimate.freed_bytes();
}

}  // namespace sojourn::store
