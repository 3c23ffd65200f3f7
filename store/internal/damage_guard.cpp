#include "store/damage_guard.hpp"

#include <array>
#include <csignal>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.hpp"
#include "store/internal/database_use.hpp"

namespace sojourn::store {

namespace {

struct Guard {
    std::string prefix;
    int exit_code = 0;
    std::array<struct sigaction, 3> previous{};
};
constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGABRT};

// A signal handler has no argument of ours: what it needs can only be found through globals.
Guard guard;
volatile sig_atomic_t guards = 0;
thread_local volatile int uses = 0;
thread_local const std::string* volatile line_in_use = nullptr;

[[noreturn]] void end_process(const std::string& line) {
    std::array<iovec, 2> text{iovec{const_cast<char*>(guard.prefix.data()), guard.prefix.size()},
                              iovec{const_cast<char*>(line.data()), line.size()}};
    const ssize_t written = ::writev(STDERR_FILENO, text.data(), text.size());
    static_cast<void>(written);  // there is nobody left to tell
    ::_exit(guard.exit_code);
}

void on_signal(int signal, siginfo_t* info, void* context) {
    if (uses > 0) end_process(*line_in_use);
    for (std::size_t index = 0; index < kSignals.size(); ++index) {
        if (kSignals[index] != signal) continue;
        const struct sigaction& previous = guard.previous[index];
        if ((previous.sa_flags & SA_SIGINFO) != 0) {
            previous.sa_sigaction(signal, info, context);
        } else {
            // The access, or the abort, is made again after the return, and meets what was there.
            ::sigaction(signal, &previous, nullptr);
            if (info->si_code <= 0 && signal != SIGABRT) ::raise(signal);
        }
    }
}

}  // namespace

void end_process_on_damage(const std::string& prefix, int exit_code) {
    EXPECTS(guards == 0, "one guard a host process");
    guard.prefix = prefix;
    guard.exit_code = exit_code;
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    for (std::size_t index = 0; index < kSignals.size(); ++index) {
        const bool installed = ::sigaction(kSignals[index], &action, &guard.previous[index]) == 0;
        INVARIANT(installed, "these signals can be caught");
    }
    guards = 1;
}

DatabaseUse::DatabaseUse(const std::string& line) {
    line_in_use = &line;
    uses = uses + 1;
}

DatabaseUse::~DatabaseUse() {
    uses = uses - 1;
}

void report_broken_database(const std::string& line) {
    if (guards != 0) end_process(line);
}

}  // namespace sojourn::store
