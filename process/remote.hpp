#pragma once

#include <filesystem>

#include "base/file.hpp"
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

/// A connection to the console of a detached process, on which process/console_protocol.hpp is
/// spoken.
struct Attached {
    UniqueFd socket;
    leases::TerminalMode mode = leases::TerminalMode::cooked;
    std::string received = {};  ///< behind the answer, already
};

/// Errors: as ask(); busy when somebody is attached, unsupported when it runs in the foreground.
Result<Attached> attach(const std::filesystem::path& run_directory,
                        const store::ProcessRecord& record,
                        std::optional<leases::WindowSize> window);

/// The host process that runs it, for poll(2), which tells when that is gone; invalid when there is
/// none, or it can't be seen from here.
UniqueFd open_runner(const std::filesystem::path& run_directory, store::ProcessId id);

bool is_running(const std::filesystem::path& run_directory, store::ProcessId id);

/// Returns when nobody runs it: at once, if nobody does.
void wait_until_ended(const std::filesystem::path& run_directory, store::ProcessId id);

/// Kills the runner, whatever it does, and returns when its host process is gone, so that nothing
/// acts for the process any more. Nothing happens when there is none. Errors: busy when the runner
/// can't be seen from here; permission_denied.
Result<void> kill_runner(const std::filesystem::path& run_directory,
                         const store::ProcessRecord& record);

/// Asks for a suspend and returns when the runner's host process is gone. Errors: as ask().
Result<ControlAnswer> suspend(const std::filesystem::path& run_directory,
                              const store::ProcessRecord& record);

}  // namespace sojourn::process
