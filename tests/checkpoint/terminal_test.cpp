#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/checkpoint/detached_fixture.hpp"
#include "tests/support/pseudo_terminal.hpp"

using namespace sojourn::tests;

namespace {

constexpr const char* kDetachKey = "\x1d";
constexpr const char* kEndOfInput = "\x04";

/// A text to look at, and a vm on a terminal of its own.
class TerminalFixture : public DetachedFixture {
public:
    TerminalFixture() {
        std::ofstream text(work() / "text");
        for (int line = 1; line <= 100; ++line)
            text << "line " << line << '\n';
    }

    [[nodiscard]] std::string grant() const { return work().string() + "::/"; }

    void start(PseudoTerminal& terminal, const std::vector<std::string>& arguments) const {
        terminal.start([&] {
            ::setenv("SOJOURN_STORE", store().c_str(), 1);
            std::vector<char*> command = {const_cast<char*>("vm")};
            for (const std::string& argument : arguments)
                command.push_back(const_cast<char*>(argument.c_str()));
            command.push_back(nullptr);
            ::execv(SOJOURN_VM, command.data());
            return 99;
        });
    }
    void start_pager(PseudoTerminal& terminal) const {
        terminal.resize(80, 24);
        start(terminal, {"run", "--name", "job", "--dir", grant(), "samples/pager.wasm", "text"});
        await_seen(terminal, "lines 1 to 23 of 100, window 80x24");
    }

    static void await_seen(PseudoTerminal& terminal, const std::string& text) {
        await("the terminal to show " + text,
              [&] { return terminal.output().find(text) != std::string::npos; });
    }
};

}  // namespace

TEST_CASE("a guest's terminal is in its mode again after a kill and a resume on another one",
          "[process][terminal]") {
    const TerminalFixture fixture;
    PseudoTerminal first;
    fixture.start_pager(first);
    CHECK(first.is_raw());
    first.type(" ");
    TerminalFixture::await_seen(first, "lines 24 to 46");
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    ::kill(first.command(), SIGKILL);
    REQUIRE(WTERMSIG(first.wait()) == SIGKILL);

    PseudoTerminal second;
    const auto before = second.settings().c_lflag;
    second.resize(100, 40);
    fixture.start(second, {"resume", "job"});

    await("the mode of the guest", [&] { return second.is_raw(); });
    second.type("r");
    TerminalFixture::await_seen(second, "lines 24 to 62 of 100, window 100x40");
    second.type("q");
    CHECK(WEXITSTATUS(second.wait()) == 0);
    CHECK(second.settings().c_lflag == before);
}

TEST_CASE("a terminal is put back when its process is suspended", "[process][terminal]") {
    const TerminalFixture fixture;
    PseudoTerminal terminal;
    const auto before = terminal.settings().c_lflag;
    fixture.start_pager(terminal);
    REQUIRE(terminal.is_raw());

    SECTION("from elsewhere") {
        REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    }
    SECTION("by the signal of Ctrl-Z") {
        ::kill(terminal.command(), SIGTSTP);
    }

    CHECK(WEXITSTATUS(terminal.wait()) == 75);
    CHECK(terminal.settings().c_lflag == before);
    CHECK(fixture.row_of("job")["state"] == "suspended");
}

TEST_CASE("Ctrl-Z suspends a process with a name into the store", "[process][terminal]") {
    const auto program = guest("sleeper");
    if (!program) return;
    const TerminalFixture fixture;
    PseudoTerminal terminal;
    fixture.start(terminal, {"run", "--name", "job", *program, "300"});
    TerminalFixture::await_seen(terminal, "asleep");

    terminal.type("\x1a");

    CHECK(WEXITSTATUS(terminal.wait()) == 75);
    TerminalFixture::await_seen(terminal, "vm resume job");
    CHECK(fixture.row_of("job")["state"] == "suspended");
    CHECK(fixture.run({"resume", "job"}).out == "awake\n");
}

TEST_CASE("Ctrl-Z stops a run without a name, with its terminal put back", "[process][terminal]") {
    const TerminalFixture fixture;
    PseudoTerminal terminal;
    const auto before = terminal.settings().c_lflag;
    terminal.resize(80, 24);
    fixture.start(terminal, {"run", "--dir", fixture.grant(), "samples/pager.wasm", "text"});
    TerminalFixture::await_seen(terminal, "lines 1 to 23 of 100, window 80x24");

    ::kill(terminal.command(), SIGTSTP);

    REQUIRE(WIFSTOPPED(terminal.wait()));
    CHECK(terminal.settings().c_lflag == before);
    ::kill(terminal.command(), SIGCONT);
    await("the mode of the guest", [&] { return terminal.is_raw(); });
    terminal.type("q");
    CHECK(WEXITSTATUS(terminal.wait()) == 0);
}

TEST_CASE("a terminal is put back when a signal ends the runner", "[process][terminal]") {
    const TerminalFixture fixture;
    PseudoTerminal terminal;
    const auto before = terminal.settings().c_lflag;
    fixture.start_pager(terminal);

    ::kill(terminal.command(), SIGINT);

    CHECK(WTERMSIG(terminal.wait()) == SIGINT);
    CHECK(terminal.settings().c_lflag == before);
}

TEST_CASE("who attaches lends the guest his terminal, with its size, in the guest's mode",
          "[process][terminal][detached]") {
    const TerminalFixture fixture;
    REQUIRE(fixture
                .run({"run", "-d", "--name", "job", "--dir", fixture.grant(), "samples/pager.wasm",
                      "text"})
                .exit_code == 0);
    fixture.await_said("job", "lines 1 to 23 of 100, window 80x24");
    PseudoTerminal terminal;
    const auto before = terminal.settings().c_lflag;
    terminal.resize(120, 30);
    fixture.start(terminal, {"attach", "job"});
    await("the mode of the guest", [&] { return terminal.is_raw(); });

    terminal.type(" ");
    TerminalFixture::await_seen(terminal, "window 120x30");
    terminal.resize(90, 20);
    await("the new size", [&] {
        terminal.type("r");
        return terminal.output().find("window 90x20") != std::string::npos;
    });
    terminal.type(kDetachKey);

    CHECK(terminal.wait() == 0);
    CHECK(terminal.settings().c_lflag == before);
    CHECK(fixture.row_of("job")["state"] == "running");
    fixture.kill_and_wait("job");
}

TEST_CASE("a line typed by who is attached is edited by his terminal, and a key ends the input",
          "[process][terminal][detached]") {
    const TerminalFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", "samples/lines.wasm"}).exit_code == 0);
    {
        PseudoTerminal terminal;
        fixture.start(terminal, {"attach", "job"});
        terminal.type(
            "onx\x7f"
            "e\n");
        TerminalFixture::await_seen(terminal, "1: one");
        terminal.type(kDetachKey);
        CHECK(terminal.wait() == 0);
    }
    PseudoTerminal terminal;
    fixture.start(terminal, {"attach", "job"});
    terminal.type("two\n");
    TerminalFixture::await_seen(terminal, "2: two");

    terminal.type(kEndOfInput);

    CHECK(terminal.wait() == 0);
    CHECK(fixture.row_of("job")["state"] == "exited");
}
