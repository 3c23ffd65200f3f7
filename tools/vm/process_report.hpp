#pragma once

#include "process/stored_checkpoint.hpp"
#include "tools/vm/output.hpp"

/// What `vm inspect N[@ID]` tells of a process.
namespace sojourn::tools {

/// For scripts: see docs/vm.md.
Result<Json> json_of(process::StoredCheckpoint& checkpoint, const Clock& clock);

/// Threads with what their locals hold, instances, what is held of the world outside.
Result<void> print_process(process::StoredCheckpoint& checkpoint, const Clock& clock);

}  // namespace sojourn::tools
