#include "tools/vm/helper_program.hpp"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/companion_file.hpp"
#include "base/file.hpp"

namespace sojourn::tools {

namespace {

/// Killed, if need be, and waited for at the end of its life.
class Child {
public:
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

private:
    pid_t pid_;
};

/// Its streams are `input`, `output` and nothing; no signal is blocked in it.
Result<pid_t> spawn(const std::string& path, const std::vector<std::string>& arguments, int input,
                    int output) {
    // Were it ignored, a child's pid would be somebody else's before we have waited for it.
    std::signal(SIGCHLD, SIG_DFL);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    std::vector<char*> command = {const_cast<char*>(path.c_str())};
    for (const std::string& argument : arguments)
        command.push_back(const_cast<char*>(argument.c_str()));
    command.push_back(nullptr);
    char* environment[] = {nullptr};
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, path.c_str(), &files, &attributes, command.data(), environment);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) return fail_errno(error, "cannot start {}", path);
    return pid;
}

Result<std::string> read_until(int answer, const HelperQuestion& question, const Clock& clock) {
    const std::uint64_t end_ns = clock.monotonic_ns() + question.timeout_ns;
    std::string text;
    for (;;) {
        const std::uint64_t now_ns = clock.monotonic_ns();
        const auto left_ms = now_ns < end_ns ? (end_ns - now_ns) / 1'000'000 : 0;
        pollfd readable{answer, POLLIN, 0};
        const int ready = ::poll(&readable, 1, static_cast<int>(left_ms));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return fail(ErrorCode::io, "{} took too long", question.program);
        char buffer[4096];
        const ssize_t got = ::read(answer, buffer, sizeof(buffer));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(errno, "cannot read what {} says", question.program);
        if (got == 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
        if (text.size() > question.answer_bytes_max)
            return fail(ErrorCode::io, "{} says too much", question.program);
    }
}

}  // namespace

Result<std::string> ask_helper(const HelperQuestion& question, const Clock& clock) {
    const auto path = TRY(companion_file(question.program));
    const UniqueFd input(::memfd_create(question.program.c_str(), MFD_CLOEXEC));
    if (!input.valid()) return fail_errno(errno, "cannot make a file in memory");
    TRY(write_all(input.get(), question.input));
    if (::lseek(input.get(), 0, SEEK_SET) != 0) return fail_errno(errno, "cannot rewind a file");
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
    const UniqueFd answer(ends[0]);
    UniqueFd question_end(ends[1]);
    const Child child(TRY(spawn(path, question.arguments, input.get(), question_end.get())));
    question_end = UniqueFd();
    return read_until(answer.get(), question, clock);
}

}  // namespace sojourn::tools
