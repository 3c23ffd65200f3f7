#pragma once

#include "process/control_protocol.hpp"
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

using PrintRunners = std::function<Result<void>(const std::vector<process::RunnerStatus>&)>;

/// As run_or_detach() for several at once, in as many host processes: `print` is called here when
/// all of them run. When one cannot begin, the others go on, and its error is returned.
Result<int> run_detached(const Invocation& invocation, const std::vector<RunProcess>& runs,
                         const PrintRunners& print);

}  // namespace sojourn::tools
