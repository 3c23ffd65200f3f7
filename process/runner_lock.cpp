#include "process/runner_lock.hpp"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace sojourn::process {

namespace {

std::filesystem::path lock_path(const std::filesystem::path& run_directory, store::ProcessId id) {
    return run_directory / (id.hex() + ".lock");
}

/// The whole file. Owned by the open file, not the process, so that a runner's own second look at
/// the file does not let go of it.
int lock_command(int fd, int command, struct flock& lock) {
    lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return ::fcntl(fd, command, &lock);
}

/// A file that was removed and made anew between opening and locking is a lock on nothing.
bool is_still_there(int fd, const std::filesystem::path& path) {
    struct stat opened {};
    struct stat named {};
    return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

pid_t read_pid(int fd) {
    char text[16] = {};
    const ssize_t size = ::pread(fd, text, sizeof(text), 0);
    pid_t pid = 0;
    if (size > 0) std::from_chars(text, text + size, pid);
    return pid;
}

Result<void> write_pid(int fd, const std::filesystem::path& path) {
    // One write of a fixed width: a reader sees the old pid or the new one.
    const std::string text = fmt::format("{:<15}\n", ::getpid());
    if (::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        return fail_errno(errno, "cannot write {}", path.native());
    }
    return {};
}

Error open_error(int problem, const std::filesystem::path& path) {
    Error error = fail_errno(problem, "cannot open {}", path.native());
    if (error.code == ErrorCode::permission_denied) {
        error.message +=
            "; a process is run and removed by the user who owns its store, on media that can be "
            "written: vm export takes it elsewhere";
    }
    return error;
}

}  // namespace

Result<RunnerLock> RunnerLock::acquire(const std::filesystem::path& run_directory,
                                       store::ProcessId id) {
    const auto path = lock_path(run_directory, id);
    for (;;) {
        UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!file.valid()) return open_error(errno, path);
        struct flock lock {};
        if (lock_command(file.get(), F_OFD_SETLK, lock) != 0) {
            if (errno != EAGAIN && errno != EACCES) {
                return fail_errno(errno, "cannot lock {}", path.native());
            }
            return fail(ErrorCode::busy, "a runner with pid {} is alive", read_pid(file.get()));
        }
        if (!is_still_there(file.get(), path)) continue;
        TRY(write_pid(file.get(), path));
        return RunnerLock(path, std::move(file));
    }
}

std::optional<pid_t> RunnerLock::holder(const std::filesystem::path& run_directory,
                                        store::ProcessId id) {
    const UniqueFd file(::open(lock_path(run_directory, id).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return std::nullopt;
    struct flock lock {};
    if (lock_command(file.get(), F_OFD_GETLK, lock) != 0) return 0;
    if (lock.l_type == F_UNLCK) return std::nullopt;
    return read_pid(file.get());
}

bool RunnerLock::is_open_in(const std::filesystem::path& run_directory, store::ProcessId id,
                            pid_t pid) {
    struct stat lock {};
    if (::stat(lock_path(run_directory, id).c_str(), &lock) != 0) return false;
    std::error_code problem;
    const std::filesystem::directory_iterator files(fmt::format("/proc/{}/fd", pid), problem);
    for (const auto& file : files) {
        struct stat opened {};
        const bool is_there = ::stat(file.path().c_str(), &opened) == 0;
        if (is_there && opened.st_dev == lock.st_dev && opened.st_ino == lock.st_ino) return true;
    }
    return false;
}

void RunnerLock::wait_until_free(const std::filesystem::path& run_directory, store::ProcessId id) {
    using namespace std::chrono_literals;
    while (holder(run_directory, id).has_value())
        std::this_thread::sleep_for(1ms);
}

void RunnerLock::remove() {
    ::unlink(path_.c_str());
}

}  // namespace sojourn::process
