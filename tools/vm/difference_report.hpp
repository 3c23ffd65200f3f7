#pragma once

#include "process/difference.hpp"
#include "tools/vm/output.hpp"

/// What `vm diff A[@X] B[@Y]` tells.
namespace sojourn::tools {

/// For scripts: see docs/vm.md.
Json json_of(const process::StoredCheckpoint& left, const process::StoredCheckpoint& right,
             const process::Difference& difference);

/// Regions, frames, globals, and what only one of them has open.
Result<void> print_difference(const process::StoredCheckpoint& left,
                              const process::StoredCheckpoint& right,
                              const process::Difference& difference);

}  // namespace sojourn::tools
