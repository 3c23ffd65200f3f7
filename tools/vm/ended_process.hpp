#pragma once

#include "store/store.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

/// The exit code that tells how a process stands that was just seen to have no runner: the guest's
/// own, or kSuspendedExitCode, also when somebody runs it again already. Errors: io when it has
/// crashed, with the remedy.
Result<int> exit_code_of_ended(const Invocation& invocation, store::ProcessId id);

}  // namespace sojourn::tools
