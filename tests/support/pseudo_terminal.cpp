#include "tests/support/pseudo_terminal.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace sojourn::tests {

namespace {

/// Handlers are the test program's, and no child's.
void forget_handlers() {
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
}

}  // namespace

PseudoTerminal::PseudoTerminal() {
    REQUIRE(::openpty(&far_, &near_, nullptr, nullptr, nullptr) == 0);
    ::fcntl(far_, F_SETFD, FD_CLOEXEC);
}

PseudoTerminal::~PseudoTerminal() {
    if (shell_ != 0) {
        ::kill(command_, SIGKILL);
        ::close(life_);
        ::waitpid(shell_, nullptr, 0);
        ::close(statuses_);
    }
    if (near_ != -1) ::close(near_);
    ::close(far_);
}

void PseudoTerminal::start(const std::function<int()>& work) {
    int told[2];
    int life[2];
    REQUIRE(::pipe2(told, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(life, O_CLOEXEC) == 0);
    shell_ = ::fork();
    REQUIRE(shell_ >= 0);
    if (shell_ == 0) {
        ::close(told[0]);
        ::close(life[1]);
        ::close(far_);
        be_shell(work, told[1], life[0]);
    }
    ::close(told[1]);
    ::close(life[0]);
    ::close(std::exchange(near_, -1));
    statuses_ = told[0];
    life_ = life[1];
    command_ = wait();
}

void PseudoTerminal::be_shell(const std::function<int()>& work, int told, int life) const {
    forget_handlers();
    ::setsid();
    ::ioctl(near_, TIOCSCTTY, 0);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(near_, stream);
    ::signal(SIGTTOU, SIG_IGN);
    // As in each shell: the command has a group of its own, and both see to it first.
    int command = ::fork();
    const pid_t group = command == 0 ? ::getpid() : command;
    ::setpgid(group, group);
    ::tcsetpgrp(STDIN_FILENO, group);
    if (command == 0) {
        ::signal(SIGTTOU, SIG_DFL);
        ::close(near_);
        ::_exit(work());
    }
    bool is_told = ::write(told, &command, sizeof(command)) == sizeof(command);
    for (int status = 0; is_told && ::waitpid(command, &status, WUNTRACED) == command;)
        is_told = ::write(told, &status, sizeof(status)) == sizeof(status);
    // The terminal of a session is hung up with its leader.
    char nothing = 0;
    static_cast<void>(::read(life, &nothing, 1));
    ::_exit(0);
}

int PseudoTerminal::wait() const {
    int status = 0;
    REQUIRE(::read(statuses_, &status, sizeof(status)) == sizeof(status));
    return status;
}

void PseudoTerminal::type(const std::string& text) const {
    REQUIRE(::write(far_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

const std::string& PseudoTerminal::output() {
    pollfd readable{.fd = far_, .events = POLLIN, .revents = 0};
    char buffer[4096];
    while (::poll(&readable, 1, 0) == 1) {
        const ssize_t got = ::read(far_, buffer, sizeof(buffer));
        if (got <= 0) break;
        output_.append(buffer, static_cast<std::size_t>(got));
    }
    return output_;
}

void PseudoTerminal::resize(unsigned short columns, unsigned short rows) const {
    const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    REQUIRE(::ioctl(far_, TIOCSWINSZ, &size) == 0);
}

termios PseudoTerminal::settings() const {
    termios settings{};
    REQUIRE(::tcgetattr(far_, &settings) == 0);
    return settings;
}

}  // namespace sojourn::tests
