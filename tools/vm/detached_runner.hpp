#pragma once

#include "process/process.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

using RunProcess = std::function<Result<process::Outcome>(const process::HostProcess&)>;

/// Runs a process here and tells how it ended; or, when it is to be detached, in a host process of
/// its own, which has a session of its own and holds nothing of ours but the working directory.
/// Then this returns when the guest runs, and prints who runs it; what the runner has to say
/// from then on goes into process::DetachedFiles::runner. Errors: those of `run`, also from there.
///
/// Requires: this host process has one thread.
Result<int> run_or_detach(const process::Execution& execution, const Invocation& invocation,
                          const RunProcess& run);

}  // namespace sojourn::tools
