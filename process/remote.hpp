#pragma once

#include <filesystem>

#include "process/control_protocol.hpp"
#include "store/store.hpp"

/// A process as it looks from outside its runner, and what can be asked of it there.
namespace sojourn::process {

enum class ObservedState { running, suspended, exited, crashed };

std::string_view text_of(ObservedState state);

struct Observation {
    ObservedState state = ObservedState::suspended;
    pid_t pid = 0;  ///< of the runner, while running
};

/// `crashed` is said to run, and no runner holds its lock.
Observation observe(const std::filesystem::path& run_directory, const store::ProcessRecord& record);

/// Asks the runner of `record` and waits for its answer. Errors: not_found when it has no runner;
/// busy when it has one that does not listen; what the runner refused; io when it ended before it
/// answered.
Result<ControlAnswer> ask(const std::filesystem::path& run_directory,
                          const store::ProcessRecord& record, const ControlRequest& request);

/// Kills the runner, whatever it does, and returns when its host process is gone, so that nothing
/// acts for the process any more. Nothing happens when there is none. Errors: busy when the runner
/// can't be seen from here; permission_denied.
Result<void> kill_runner(const std::filesystem::path& run_directory,
                         const store::ProcessRecord& record);

/// Asks for a suspend and returns when the runner's host process is gone. Errors: as ask().
Result<ControlAnswer> suspend(const std::filesystem::path& run_directory,
                              const store::ProcessRecord& record);

}  // namespace sojourn::process
