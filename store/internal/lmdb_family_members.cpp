#include <algorithm>

#include "base/trace.hpp"
#include "store/internal/branches.hpp"
#include "store/internal/garbage.hpp"
#include "store/internal/lmdb_family.hpp"
#include "store/internal/removal_estimate.hpp"
#include "store/internal/tags.hpp"

/// The parts of LmdbFamily that are about which processes are in it.
namespace sojourn::store {

namespace {

constexpr TableIndex kBranches = index_of(FamilyTable::branches);

Result<void> add_member(WriteTransaction& transaction, const CheckpointInfo& checkpoint,
                        ProcessRecord process) {
    TRY(leave_at(transaction, process, checkpoint));
    return write_process(transaction, process);
}

/// The process that stands at the checkpoint, other than its own.
const ProcessRecord* heir_of(const CheckpointInfo& checkpoint,
                             const std::vector<ProcessRecord>& processes) {
    const auto heir = std::ranges::find_if(processes, [&](const ProcessRecord& process) {
        return process.head == checkpoint.id && process.id != checkpoint.process;
    });
    return heir == processes.end() ? nullptr : &*heir;
}

/// Removes the checkpoints of `id`, but for those that another process stands at, whose they
/// become.
Result<void> give_up_checkpoints(WriteTransaction& transaction, ProcessId id) {
    const auto processes = TRY(read_processes(transaction));
    std::vector<CheckpointInfo> removed;
    for (CheckpointInfo& info : TRY(read_checkpoints(transaction))) {
        if (info.process != id) continue;
        if (const ProcessRecord* heir = heir_of(info, processes)) {
            info.process = heir->id;
            TRY(transaction.put(kCheckpoints, make_key(info.id), encode_checkpoint(info)));
            continue;
        }
        TRY(transaction.erase(kCheckpoints, make_key(info.id)));
        TRY(transaction.erase(kAttachments, make_key(info.id)));
        TRY(erase_tags_of(transaction, info.id));
        removed.push_back(std::move(info));
    }
    for (const CheckpointInfo& info : removed)
        TRY(release_point(transaction, info.branch, info.id));
    return {};
}

Result<void> remove_branches_of(WriteTransaction& transaction, ProcessId id) {
    const auto branches = TRY(branches_by_id(transaction));
    for (auto branch = branches.rbegin(); branch != branches.rend(); ++branch) {
        if (branch->second.owner != id) continue;
        // One that grew from it may have taken it along.
        const auto left = TRY(transaction.get(kBranches, make_key(branch->first)));
        if (left) TRY(remove_dead_branches(transaction, branch->first));
    }
    return {};
}

}  // namespace

Result<void> LmdbFamily::add_members(Version checkpoint, std::span<const ProcessRecord> members) {
    return environment_->write([&](WriteTransaction& transaction) -> Result<void> {
        const CheckpointInfo info = TRY(read_checkpoint(transaction, checkpoint));
        for (const ProcessRecord& member : members) {
            if (TRY(transaction.get(index_of(FamilyTable::processes), member.id.bytes))) continue;
            TRY(add_member(transaction, info, member));
        }
        return {};
    });
}

Result<std::vector<ProcessId>> LmdbFamily::members() const {
    const auto transaction = TRY(environment_->read());
    std::vector<ProcessId> ids;
    for (const ProcessRecord& process : TRY(read_processes(transaction)))
        ids.push_back(process.id);
    return ids;
}

Result<void> LmdbFamily::remove_member(ProcessId id) {
    const auto removed = environment_->write([&](WriteTransaction& transaction) -> Result<void> {
        const ProcessRecord process = TRY(read_process(transaction, id));
        TRY(abandon_staged(transaction, process, Version{UINT64_MAX}));
        TRY(transaction.erase(index_of(FamilyTable::processes), id.bytes));
        TRY(give_up_checkpoints(transaction, id));
        return remove_branches_of(transaction, id);
    });
    TRACE(store, "member_removed", id.hex(), removed.ok());
    return removed.ok() ? sweep() : removed;
}

Result<std::uint64_t> LmdbFamily::bytes_freed_by(const Removal& removal) const {
    const auto transaction = TRY(environment_->read());
    return estimate_removal(transaction, removal);
}

}  // namespace sojourn::store
