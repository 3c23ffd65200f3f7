#pragma once

#include <filesystem>
#include <optional>
#include <sys/types.h>

#include "base/file.hpp"
#include "store/types.hpp"

namespace sojourn::process {

/// The right to run a process, held by its runner as long as the runner lives: a locked file in
/// the store's run directory with the runner's pid in it. The kernel lets go of it when the runner
/// is gone, however it ended.
class RunnerLock {
public:
    /// Errors: busy when a live runner holds it (names its pid); io, permission_denied.
    static Result<RunnerLock> acquire(const std::filesystem::path& run_directory,
                                      store::ProcessId id);

    /// The pid of the runner that holds it, 0 when that can't be told; nullopt when it is free.
    /// Disturbs nobody who acquires it at the same time.
    static std::optional<pid_t> holder(const std::filesystem::path& run_directory,
                                       store::ProcessId id);

    /// Whether the host process `pid` has the lock's file open: a pid may mean another process than
    /// it meant to its owner.
    static bool is_open_in(const std::filesystem::path& run_directory, store::ProcessId id,
                           pid_t pid);

    /// Waits until no runner holds it.
    static void wait_until_free(const std::filesystem::path& run_directory, store::ProcessId id);

    /// Removes the file: for a process that will not be run again.
    void remove();

private:
    RunnerLock(std::filesystem::path path, UniqueFd file)
        : path_(std::move(path)), file_(std::move(file)) {}

    std::filesystem::path path_;
    UniqueFd file_;
};

}  // namespace sojourn::process
