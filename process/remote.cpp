#include "process/remote.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "process/internal/control_socket.hpp"
#include "process/reference.hpp"
#include "process/runner_lock.hpp"

namespace sojourn::process {

namespace {

constexpr auto kListenPatience = std::chrono::seconds(10);
constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 20U;  // many leases
constexpr auto kListenRetry = std::chrono::milliseconds(1);

/// A runner that has just taken its lock may not listen yet.
Result<UniqueFd> connect_to(const std::filesystem::path& run_directory, store::ProcessId id) {
    for (auto waited = kListenRetry; waited < kListenPatience; waited += kListenRetry) {
        auto socket = connect_in(run_directory, control_socket_name(id));
        if (socket.ok() || socket.error().code != ErrorCode::not_found) return socket;
        if (!RunnerLock::holder(run_directory, id)) return socket;
        std::this_thread::sleep_for(kListenRetry);
    }
    return fail(ErrorCode::busy, "the runner with pid {} does not listen",
                RunnerLock::holder(run_directory, id).value_or(0));
}

void wait_until_gone(const UniqueFd& runner) {
    pollfd watched{runner.get(), POLLIN, 0};
    while (runner.valid() && ::poll(&watched, 1, -1) < 0 && errno == EINTR) {
    }
}

Result<void> send_line(int socket, std::string_view line) {
    while (!line.empty()) {
        const ssize_t sent = ::send(socket, line.data(), line.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return fail_errno(errno, "cannot ask the runner");
        line.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<std::string> receive_line(int socket) {
    std::string line;
    char buffer[16'384];
    while (!line.ends_with('\n') && line.size() <= kAnswerBytesMax) {
        const ssize_t got = ::read(socket, buffer, sizeof(buffer));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(ErrorCode::io, "the runner ended before it answered");
        line.append(buffer, static_cast<std::size_t>(got));
    }
    return line;
}

Result<UniqueFd> send_request(const std::filesystem::path& run_directory,
                              const store::ProcessRecord& record, const ControlRequest& request) {
    auto socket = connect_to(run_directory, record.id);
    if (!socket.ok()) {
        if (socket.error().code != ErrorCode::not_found) return socket.error();
        return fail(ErrorCode::not_found, "process '{}' is not running", display_name(record));
    }
    TRY(send_line(socket->get(), encode_request(request)));
    return socket;
}

}  // namespace

std::string_view text_of(ObservedState state) {
    switch (state) {
        case ObservedState::running:
            return "running";
        case ObservedState::suspended:
            return "suspended";
        case ObservedState::exited:
            return "exited";
        case ObservedState::crashed:
            return "crashed";
    }
    return "unknown";
}

Observation observe(const std::filesystem::path& run_directory,
                    const store::ProcessRecord& record) {
    if (const auto pid = RunnerLock::holder(run_directory, record.id)) {
        return {ObservedState::running, *pid};
    }
    switch (record.state) {
        case store::ProcessState::suspended:
            return {ObservedState::suspended, 0};
        case store::ProcessState::exited:
            return {ObservedState::exited, 0};
        case store::ProcessState::created:
        case store::ProcessState::running:
            break;
    }
    return {ObservedState::crashed, 0};
}

UniqueFd open_runner(const std::filesystem::path& run_directory, store::ProcessId id) {
    const auto pid = RunnerLock::holder(run_directory, id);
    if (!pid || *pid == 0) return {};
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
}

bool is_running(const std::filesystem::path& run_directory, store::ProcessId id) {
    return RunnerLock::holder(run_directory, id).has_value();
}

void wait_until_ended(const std::filesystem::path& run_directory, store::ProcessId id) {
    const UniqueFd runner = open_runner(run_directory, id);
    // Looked at once the descriptor is ours: before, the pid may have become another's.
    if (RunnerLock::holder(run_directory, id)) wait_until_gone(runner);
    RunnerLock::wait_until_free(run_directory, id);
}

Result<ControlAnswer> ask(const std::filesystem::path& run_directory,
                          const store::ProcessRecord& record, const ControlRequest& request) {
    const UniqueFd socket = TRY(send_request(run_directory, record, request));
    const std::string line = TRY(receive_line(socket.get()));
    return parse_answer(line);
}

Result<Attached> attach(const std::filesystem::path& run_directory,
                        const store::ProcessRecord& record,
                        std::optional<leases::WindowSize> window) {
    const ControlRequest request{.verb = ControlVerb::attach, .message = {}, .window = window};
    Attached attached{.socket = TRY(send_request(run_directory, record, request))};
    attached.received = TRY(receive_line(attached.socket.get()));
    const auto end = attached.received.find('\n') + 1;
    const auto answer = TRY(parse_answer(attached.received.substr(0, end)));
    if (!answer.mode) return fail(ErrorCode::corrupt, "the runner's answer names no mode");
    attached.mode = *answer.mode;
    attached.received.erase(0, end);
    return attached;
}

Result<void> kill_runner(const std::filesystem::path& run_directory,
                         const store::ProcessRecord& record) {
    const auto pid = RunnerLock::holder(run_directory, record.id);
    if (!pid) return {};
    const UniqueFd runner = open_runner(run_directory, record.id);
    // Looked at once the descriptor is ours: from now on the pid is nobody else's.
    if (!runner.valid() || !RunnerLock::is_open_in(run_directory, record.id, *pid)) {
        if (!RunnerLock::holder(run_directory, record.id)) return {};
        return fail(ErrorCode::busy,
                    "the runner of '{}' can't be reached from here: end it where it was started",
                    display_name(record));
    }
    if (::syscall(SYS_pidfd_send_signal, runner.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
        return fail_errno(errno, "cannot end the runner of '{}', pid {}", display_name(record),
                          *pid);
    wait_until_gone(runner);
    RunnerLock::wait_until_free(run_directory, record.id);
    return {};
}

Result<ControlAnswer> suspend(const std::filesystem::path& run_directory,
                              const store::ProcessRecord& record) {
    const UniqueFd runner = open_runner(run_directory, record.id);
    auto answer = TRY(ask(run_directory, record, {ControlVerb::suspend, ""}));
    RunnerLock::wait_until_free(run_directory, record.id);
    wait_until_gone(runner);
    return answer;
}

}  // namespace sojourn::process
