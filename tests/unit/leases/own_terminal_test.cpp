#include "leases/own_terminal.hpp"

#include <array>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/input_pipe.hpp"
#include "tests/support/pseudo_terminal.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using sojourn::tests::PseudoTerminal;

namespace {

std::unique_ptr<OwnTerminal> made_raw() {
    auto own = OwnTerminal::find(std::array{STDIN_FILENO});
    if (own == nullptr || own->set_mode(TerminalMode::raw) != Errno::success) ::_exit(99);
    return own;
}

bool is_raw_here() {
    termios now{};
    return ::tcgetattr(STDIN_FILENO, &now) == 0 && (now.c_lflag & (ICANON | ECHO | ISIG)) == 0;
}

}  // namespace

TEST_CASE("what is no terminal is not taken for one", "[leases]") {
    const tests::InputPipe pipe;

    CHECK(OwnTerminal::find(std::array{pipe.reader()}) == nullptr);
}

TEST_CASE("a terminal is put back as it was found when its user goes", "[leases]") {
    PseudoTerminal terminal;
    const auto before = terminal.settings().c_lflag;

    terminal.start([] {
        const auto own = OwnTerminal::find(std::array{STDIN_FILENO});
        own->begin({.mode = TerminalMode::raw});
        return is_raw_here() ? 0 : 1;
    });

    CHECK(terminal.wait() == 0);
    CHECK(terminal.settings().c_lflag == before);
}

TEST_CASE("a terminal is put back as it was found when a signal ends its user", "[leases]") {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGABRT}) {
        PseudoTerminal terminal;
        const auto before = terminal.settings().c_lflag;

        terminal.start([signal] {
            const auto own = made_raw();
            ::raise(signal);
            return 1;
        });

        const int status = terminal.wait();
        INFO(signal);
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == signal);
        CHECK(terminal.settings().c_lflag == before);
    }
}

TEST_CASE("a terminal is put back while its user is stopped", "[leases]") {
    PseudoTerminal terminal;
    const auto before = terminal.settings().c_lflag;
    terminal.start([] {
        const auto own = made_raw();
        ::raise(SIGSTOP);  // so that the test sees the mode
        ::raise(SIGTSTP);
        return is_raw_here() ? 0 : 1;
    });
    REQUIRE(WIFSTOPPED(terminal.wait()));
    CHECK(terminal.is_raw());
    ::kill(terminal.command(), SIGCONT);

    REQUIRE(WIFSTOPPED(terminal.wait()));
    CHECK(terminal.settings().c_lflag == before);
    ::kill(terminal.command(), SIGCONT);

    CHECK(terminal.wait() == 0);
    CHECK(terminal.settings().c_lflag == before);
}

TEST_CASE("a terminal's size is that of its window, whenever it is asked for", "[leases]") {
    const PseudoTerminal terminal;
    const auto own = OwnTerminal::find(std::array{terminal.near_end()});
    terminal.resize(100, 40);

    CHECK(own->state().size == WindowSize{.columns = 100, .rows = 40});
    terminal.resize(90, 30);
    CHECK(own->state().size == WindowSize{.columns = 90, .rows = 30});
    terminal.resize(0, 0);
    CHECK(own->state().size == WindowSize{});
}
