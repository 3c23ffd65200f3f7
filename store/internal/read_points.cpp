#include "store/internal/read_points.hpp"

#include "store/internal/unit_table.hpp"

namespace sojourn::store {

Result<ReadPoints> ReadPoints::of(const Transaction& transaction) {
    ReadPoints points;
    for (const CheckpointInfo& checkpoint : TRY(read_checkpoints(transaction))) {
        points.points_[checkpoint.branch].insert(checkpoint.id);
    }
    for (const NumberedBranch& branch : TRY(read_branches(transaction))) {
        points.points_[branch.record.parent].insert(branch.record.fork);
    }
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
