#include "process/remote.hpp"

#include <cerrno>
#include <chrono>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "process/internal/control_socket.hpp"
#include "process/reference.hpp"
#include "process/runner_lock.hpp"

namespace sojourn::process {

namespace {

/// A runner that has just taken its lock may not listen yet.
Result<UniqueFd> connect_to(const std::filesystem::path& run_directory, store::ProcessId id) {
    using namespace std::chrono_literals;
    for (;;) {
        auto socket = connect_in(run_directory, control_socket_name(id));
        if (socket.ok() || socket.error().code != ErrorCode::not_found) return socket;
        if (!RunnerLock::holder(run_directory, id)) return socket;
        std::this_thread::sleep_for(1ms);
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
    char buffer[4096];
    while (line.find('\n') == std::string::npos && line.size() <= 2 * kControlLineBytesMax) {
        const ssize_t got = ::read(socket, buffer, sizeof(buffer));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(ErrorCode::io, "the runner ended before it answered");
        line.append(buffer, static_cast<std::size_t>(got));
    }
    return line;
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

Result<ControlAnswer> ask(const std::filesystem::path& run_directory,
                          const store::ProcessRecord& record, const ControlRequest& request) {
    const auto socket = connect_to(run_directory, record.id);
    if (!socket.ok()) {
        if (socket.error().code != ErrorCode::not_found) return socket.error();
        return fail(ErrorCode::not_found, "process '{}' is not running", display_name(record));
    }
    TRY(send_line(socket->get(), encode_request(request)));
    const std::string line = TRY(receive_line(socket->get()));
    return parse_answer(line);
}

}  // namespace sojourn::process
