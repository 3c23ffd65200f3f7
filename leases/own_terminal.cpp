#include "leases/own_terminal.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sojourn::leases {

namespace {

// What a signal handler needs it can only find through globals. Those of the terminal are written
// while `is_ours` is false.
int terminal_fd = -1;
termios as_found;
termios as_wanted;
std::atomic<bool> is_ours = false;
static_assert(std::atomic<bool>::is_always_lock_free);
std::array<struct sigaction, NSIG> previous;
bool are_signals_watched = false;

/// Signals that end a process which does not handle them. Those of faults belong to the heap.
constexpr std::array kEndingSignals = {SIGHUP,  SIGINT,  SIGQUIT,   SIGABRT, SIGTERM,
                                       SIGALRM, SIGUSR1, SIGUSR2,   SIGXCPU, SIGXFSZ,
                                       SIGPROF, SIGPOLL, SIGVTALRM, SIGPWR,  SIGSYS};

bool is_in_foreground(int fd) {
    return ::tcgetpgrp(fd) == ::getpgrp();
}

/// Whoever does it from the background would be stopped for that.
void set_terminal(int fd, const termios& settings) {
    if (is_in_foreground(fd)) ::tcsetattr(fd, TCSANOW, &settings);
}

void deliver(int signal) {
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    ::raise(signal);
}

void on_end(int signal) {
    const int errno_before = errno;
    if (is_ours.load()) set_terminal(terminal_fd, as_found);
    ::sigaction(signal, &previous[static_cast<std::size_t>(signal)], nullptr);
    deliver(signal);
    errno = errno_before;
}

/// A signal that is ignored stays so.
void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    struct sigaction& before = previous[static_cast<std::size_t>(signal)];
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
        ::sigaction(signal, &action, nullptr);
}

void on_continue(int) {
    const int errno_before = errno;
    if (is_ours.load()) set_terminal(terminal_fd, as_wanted);
    errno = errno_before;
}

void on_stop(int signal) {
    const int errno_before = errno;
    if (is_ours.load()) set_terminal(terminal_fd, as_found);
    struct sigaction ours {};
    ::sigaction(signal, &previous[static_cast<std::size_t>(signal)], &ours);
    deliver(signal);
    // Here it goes on, or was not stopped, since nobody would have been there to continue it.
    ::sigaction(signal, &ours, nullptr);
    on_continue(SIGCONT);
    errno = errno_before;
}

void watch_signals() {
    if (are_signals_watched) return;
    are_signals_watched = true;
    for (const int signal : kEndingSignals)
        handle(signal, on_end);
    handle(SIGTSTP, on_stop);
    handle(SIGCONT, on_continue);
}

}  // namespace

std::unique_ptr<OwnTerminal> OwnTerminal::find(std::span<const int> streams,
                                               std::optional<char> end_of_line) {
    for (const int fd : streams) {
        if (::isatty(fd) == 1)
            return std::unique_ptr<OwnTerminal>(new OwnTerminal(fd, end_of_line));
    }
    return nullptr;
}

OwnTerminal::~OwnTerminal() {
    if (!found_) return;
    set_terminal(fd_, *found_);
    is_ours.store(false);
}

TerminalState OwnTerminal::state() const {
    TerminalState state{.mode = mode_, .size = {}};
    winsize window{};
    // A terminal that does not know its size says 0.
    if (::ioctl(fd_, TIOCGWINSZ, &window) == 0 && window.ws_col != 0 && window.ws_row != 0)
        state.size = {.columns = window.ws_col, .rows = window.ws_row};
    return state;
}

Errno OwnTerminal::set_mode(TerminalMode mode) {
    if (!found_) {
        termios now{};
        if (::tcgetattr(fd_, &now) != 0) return errno_of_host(errno);
        EXPECTS(!is_ours.load(), "one terminal a host process");
        found_ = now;
        terminal_fd = fd_;
        as_found = now;
    }
    mode_ = mode;
    is_ours.store(false);
    as_wanted = settings_for(mode, *found_);
    is_ours.store(true);
    watch_signals();
    set_terminal(fd_, as_wanted);
    return Errno::success;
}

void OwnTerminal::adopt(const TerminalState& known) {
    if (known.mode != TerminalMode::cooked) static_cast<void>(set_mode(known.mode));
}

termios OwnTerminal::settings_for(TerminalMode mode, const termios& found) const {
    termios settings = found;
    if (mode == TerminalMode::raw) {
        settings.c_iflag &=
            ~static_cast<tcflag_t>(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | IXON | PARMRK);
        settings.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
        settings.c_cc[VMIN] = 1;
        settings.c_cc[VTIME] = 0;
    } else if (end_of_line_) {
        settings.c_cc[VEOL] = static_cast<cc_t>(*end_of_line_);
    }
    return settings;
}

}  // namespace sojourn::leases
