#pragma once

#include <map>
#include <span>

#include "store/internal/records.hpp"

namespace sojourn::store {

/// Where the parent of a checkpoint has been removed, makes the nearest one before it that is left
/// its parent. `checkpoints` are a process's whole history; `branches` has all that they lie on.
void name_remaining_parents(std::span<CheckpointInfo> checkpoints,
                            const std::map<BranchId, BranchRecord>& branches);

}  // namespace sojourn::store
