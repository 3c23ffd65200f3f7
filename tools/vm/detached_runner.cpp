#include "tools/vm/detached_runner.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "process/control_protocol.hpp"
#include "process/reference.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/output.hpp"

namespace sojourn::tools {

namespace {

/// The new host process, until its guest runs: it has one line to say to the command that made it,
/// in the form of an answer on a control socket.
class DetachedRunner {
public:
    explicit DetachedRunner(UniqueFd told) : told_(std::move(told)) {}

    Result<int> perform(const Invocation& invocation, const RunProcess& run) {
        leave_terminal();
        process::HostProcess host = host_of(invocation);
        host.started = [this](const store::ProcessRecord& record,
                              const process::DetachedFiles& files) { begin(record, files); };
        const auto outcome = run(host);
        if (outcome.ok()) return report(invocation, *outcome);
        if (!told_.valid()) return outcome.error();
        tell(outcome.error());
        return kErrorExitCode;
    }

private:
    void leave_terminal() const {
        std::signal(SIGPIPE, SIG_IGN);  // of the command, which may be gone before it was told
        ::setsid();
        const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
        ::dup2(nothing.get(), STDIN_FILENO);
        ::dup2(nothing.get(), STDOUT_FILENO);
        // Whatever else our caller has left open is not for the life of a process.
        const auto kept = static_cast<unsigned>(told_.get());
        if (kept > STDERR_FILENO + 1U) ::close_range(STDERR_FILENO + 1U, kept - 1, 0);
        ::close_range(kept + 1, ~0U, 0);
    }

    void begin(const store::ProcessRecord& record, const process::DetachedFiles& files) {
        constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC;
        UniqueFd words(::open(files.runner.c_str(), kFlags, 0600));
        if (!words.valid()) words = UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        ::dup2(words.get(), STDERR_FILENO);
        tell(process::ControlAnswer{
            .runner = {record.id.hex(), record.name, ::getpid(), store::Epoch{0}}});
    }

    void tell(const Result<process::ControlAnswer>& answer) {
        // The command may have been ended meanwhile; the process is its own by now.
        static_cast<void>(write_all(told_.get(), as_bytes(process::encode_answer(answer))));
        told_ = UniqueFd();
    }

    UniqueFd told_;
};

Result<std::string> read_to_end(int fd) {
    std::string text;
    char buffer[4096];
    for (;;) {
        const ssize_t got = ::read(fd, buffer, sizeof(buffer));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(errno, "cannot hear from the runner");
        if (got == 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
    }
}

Error vanished(pid_t runner) {
    int status = 0;
    while (::waitpid(runner, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status))
        return fail(ErrorCode::io, "the runner was ended by signal {}", WTERMSIG(status));
    return fail(ErrorCode::io, "the runner ended with {} before its guest ran",
                WEXITSTATUS(status));
}

Result<void> print_runner(const Invocation& invocation, const process::RunnerStatus& runner) {
    if (!invocation.json) return print_line(runner.name.empty() ? runner.id : runner.name);
    Json object = new_json();
    object["process"] = {{"id", runner.id}, {"name", runner.name}};
    object["pid"] = runner.pid;
    return print_json(object);
}

struct StartedRunner {
    pid_t pid;
    UniqueFd heard;  ///< what it says when its guest runs
};

Result<process::RunnerStatus> await_guest(const StartedRunner& runner) {
    const std::string line = TRY(read_to_end(runner.heard.get()));
    if (line.empty()) return vanished(runner.pid);
    const auto answer = TRY(process::parse_answer(line));
    return answer.runner;
}

}  // namespace

Result<int> run_or_detach(const process::Execution& execution, const Invocation& invocation,
                          const RunProcess& run) {
    if (execution.is_detached) {
        return run_detached(invocation, {run}, [&](const auto& runners) {
            return print_runner(invocation, runners.front());
        });
    }
    const auto outcome = TRY(run(host_of(invocation)));
    return report(invocation, outcome);
}

Result<int> run_detached(const Invocation& invocation, const std::vector<RunProcess>& runs,
                         const PrintRunners& print) {
    std::vector<StartedRunner> started;
    for (const RunProcess& run : runs) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
        UniqueFd heard(ends[0]);
        UniqueFd told(ends[1]);
        const pid_t runner = ::fork();
        if (runner < 0) return fail_errno(errno, "cannot start a runner");
        if (runner == 0) {
            heard = UniqueFd();
            started.clear();
            return DetachedRunner(std::move(told)).perform(invocation, run);
        }
        started.push_back({runner, std::move(heard)});
    }
    std::vector<process::RunnerStatus> runners;
    Result<void> all_run;
    for (const StartedRunner& runner : started) {
        const auto status = await_guest(runner);
        if (status.ok()) runners.push_back(*status);
        if (!status.ok() && all_run.ok()) all_run = status.error();
    }
    TRY(all_run);
    TRY(print(runners));
    return 0;
}

}  // namespace sojourn::tools
