#include "store/internal/lineage.hpp"

#include <algorithm>
#include <set>

namespace sojourn::store {

namespace {

using VersionsByBranch = std::map<BranchId, std::set<Version>>;

/// The newest version in front of `limit` on `branch`, else on the way to the root.
Version nearest_before(const VersionsByBranch& versions,
                       const std::map<BranchId, BranchRecord>& branches, BranchId branch,
                       Version limit) {
    for (;;) {
        if (const auto on_branch = versions.find(branch); on_branch != versions.end()) {
            const auto behind = on_branch->second.lower_bound(limit);
            if (behind != on_branch->second.begin()) return *std::prev(behind);
        }
        const auto record = branches.find(branch);
        if (record == branches.end() || record->second.parent == kNoBranch) return kNoVersion;
        branch = record->second.parent;
        // The checkpoint at the fork itself is before what grew from there.
        const auto behind_fork = static_cast<std::uint64_t>(record->second.fork) + 1;
        limit = std::min(limit, Version{behind_fork});
    }
}

}  // namespace

void name_remaining_parents(std::span<CheckpointInfo> checkpoints,
                            const std::map<BranchId, BranchRecord>& branches) {
    VersionsByBranch versions;
    std::set<Version> present;
    for (const CheckpointInfo& info : checkpoints) {
        versions[info.branch].insert(info.id);
        present.insert(info.id);
    }
    for (CheckpointInfo& info : checkpoints) {
        if (info.parent == kNoVersion || present.contains(info.parent)) continue;
        info.parent = nearest_before(versions, branches, info.branch, info.id);
    }
}

}  // namespace sojourn::store
