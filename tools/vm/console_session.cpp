#include "tools/vm/console_session.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/console_protocol.hpp"

namespace sojourn::tools {

namespace {

/// Typed ahead of a guest that reads nothing.
constexpr std::size_t kUnsentMax = 256U << 10U;

Result<UniqueFd> watch_window() {
    sigset_t resized;
    ::sigemptyset(&resized);
    ::sigaddset(&resized, SIGWINCH);
    ::sigprocmask(SIG_BLOCK, &resized, nullptr);
    UniqueFd watch(::signalfd(-1, &resized, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!watch.valid()) return fail_errno(errno, "cannot watch the size of the window");
    return watch;
}

}  // namespace

Result<ConsoleSession::End> ConsoleSession::perform(const std::filesystem::path& run_directory,
                                                    const store::ProcessRecord& record,
                                                    const process::DetachedFiles& files) {
    std::optional<LogView> log;
    if (auto opened = LogView::open(files.log); opened.ok()) log = std::move(*opened);
    if (log) TRY(log->skip_to_last(0));
    auto resized = TRY(watch_window());
    auto terminal = leases::OwnTerminal::find(std::array{STDIN_FILENO}, kDetachKey);
    std::optional<leases::WindowSize> window;
    if (terminal != nullptr) window = terminal->state().size;
    auto attached = TRY(process::attach(run_directory, record, window));
    return ConsoleSession(std::move(attached), std::move(log), std::move(terminal),
                          std::move(resized))
        .run();
}

Result<ConsoleSession::End> ConsoleSession::run() {
    if (terminal_ != nullptr) terminal_->set_mode(attached_.mode);
    const int log_changes = log_ ? TRY(log_->watch()) : -1;
    obey();
    for (;;) {
        if (log_) TRY(log_->show());
        const bool takes_input = !has_input_ended_ && unsent_.size() < kUnsentMax;
        const auto events = static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT);
        std::array<pollfd, 4> watched = {pollfd{takes_input ? STDIN_FILENO : -1, POLLIN, 0},
                                         pollfd{attached_.socket.get(), events, 0},
                                         pollfd{log_changes, POLLIN, 0},
                                         pollfd{resized_.get(), POLLIN, 0}};
        if (::poll(watched.data(), watched.size(), -1) < 0) continue;
        if (watched[3].revents != 0) {
            signalfd_siginfo ignored;
            static_cast<void>(::read(resized_.get(), &ignored, sizeof(ignored)));
            if (terminal_ != nullptr) send({.window = terminal_->state().size});
        }
        if (watched[0].revents != 0 && !TRY(forward_typed())) return End::detached;
        if (watched[1].revents != 0 && !exchange(watched[1].revents)) break;
    }
    if (log_) TRY(log_->show());
    return End::closed;
}

Result<bool> ConsoleSession::forward_typed() {
    std::array<char, process::kTypedBytesMax> buffer;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got < 0) return fail_errno(errno, "cannot read what is typed");
    std::string typed(buffer.data(), static_cast<std::size_t>(got));
    // On a terminal the next line comes after an end of input.
    has_input_ended_ = typed.empty() && terminal_ == nullptr;
    const auto key = terminal_ == nullptr ? std::string::npos : typed.find(kDetachKey);
    const bool leaves = key != std::string::npos;
    if (leaves) typed.resize(key);
    if (!leaves || !typed.empty()) send({.input = std::move(typed)});
    if (leaves) exchange(POLLOUT);
    return !leaves;
}

void ConsoleSession::send(const process::ConsoleMessage& message) {
    unsent_ += process::encode_console_message(message);
}

bool ConsoleSession::exchange(short events) {
    if ((events & POLLOUT) != 0 && !unsent_.empty()) {
        const ssize_t sent = ::send(attached_.socket.get(), unsent_.data(), unsent_.size(),
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
    }
    if ((events & (POLLIN | POLLHUP | POLLERR)) == 0) return true;
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(attached_.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) return false;
    attached_.received.append(buffer.data(), static_cast<std::size_t>(got));
    obey();
    return true;
}

void ConsoleSession::obey() {
    for (auto newline = attached_.received.find('\n'); newline != std::string::npos;
         newline = attached_.received.find('\n')) {
        const auto mode = process::parse_mode(attached_.received.substr(0, newline));
        attached_.received.erase(0, newline + 1);
        if (mode.ok() && terminal_ != nullptr) terminal_->set_mode(*mode);
    }
}

}  // namespace sojourn::tools
