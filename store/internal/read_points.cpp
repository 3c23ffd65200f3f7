#include "store/internal/read_points.hpp"

#include "store/internal/unit_table.hpp"

namespace sojourn::store {

Result<ReadPoints> ReadPoints::of(const Transaction& transaction) {
    const auto checkpoints = TRY(read_checkpoints(transaction));
    const auto branches = TRY(branches_by_id(transaction));
    return of(checkpoints, branches);
}

ReadPoints ReadPoints::of(std::span<const CheckpointInfo> checkpoints, const Branches& branches) {
    ReadPoints points;
    for (const CheckpointInfo& checkpoint : checkpoints)
        points.points_[checkpoint.branch].insert(checkpoint.id);
    for (const auto& [id, branch] : branches)
        points.points_[branch.parent].insert(branch.fork);
    return points;
}

bool ReadPoints::contains(BranchId branch, Version version) const {
    const auto found = points_.find(branch);
    return found != points_.end() && found->second.contains(version);
}

Version ReadPoints::before(BranchId branch, Version version) const {
    const auto found = points_.find(branch);
    if (found == points_.end()) return kNoVersion;
    const auto behind = found->second.lower_bound(version);
    return behind == found->second.begin() ? kNoVersion : *std::prev(behind);
}

Result<bool> ReadPoints::reach(const Transaction& transaction, Cursor& pages,
                               const UnitVersion& at) const {
    const auto found = points_.find(at.branch);
    if (found == points_.end()) return false;
    const auto point = found->second.lower_bound(at.version);
    if (point == found->second.end()) return false;
    const auto replaced_at = TRY(next_version(transaction, pages, at));
    return !replaced_at || *point < *replaced_at;
}

}  // namespace sojourn::store
