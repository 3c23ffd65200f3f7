#include <chrono>
#include <cstdlib>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/checkpoint/tcp_peer.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;

namespace {

/// As it lies beside its source.
std::string sample(const std::string& name) {
    return "samples/" + name + ".wasm";
}

std::vector<std::string> operator+(std::vector<std::string> left,
                                   const std::vector<std::string>& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

VmResult run_with_input(const ProcessFixture& fixture, const std::vector<std::string>& command,
                        const std::string& input) {
    InputPipe pipe;
    pipe.write(input);
    pipe.end();
    VmOptions options = fixture.options();
    options.standard_input = pipe.reader();
    return vm(command, options);
}

/// Suspends the process `job` and gives what its runner said.
std::string suspend(const ProcessFixture& fixture, VmProcess& runner) {
    const VmResult suspended = fixture.run({"suspend", "job"});
    CAPTURE(suspended.err);
    REQUIRE(suspended.exit_code == 0);
    REQUIRE(runner.wait().exit_code == 75);
    return runner.wait().out;
}

std::string run_suspended_at(const ProcessFixture& fixture, const std::vector<std::string>& options,
                             const std::vector<std::string>& program, const std::string& moment) {
    VmProcess runner =
        fixture.start(std::vector<std::string>{"run", "--name", "job"} + options + program);
    await_output(runner, moment);
    const std::string before = suspend(fixture, runner);

    const VmResult resumed = fixture.run({"resume", "job"});

    CAPTURE(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    return before + resumed.out;
}

/// A guest that is told some lines, answers, and is told others.
struct Conversation {
    std::vector<std::string> program;
    std::string first_lines;
    std::string last_answer;  ///< to these
    std::string other_lines;
};

std::string talk_suspended_between(const ProcessFixture& fixture,
                                   const std::vector<std::string>& options,
                                   const Conversation& talk) {
    const InputPipe input;
    input.write(talk.first_lines);
    VmOptions with_input = fixture.options();
    with_input.standard_input = input.reader();
    VmProcess runner(std::vector<std::string>{"run", "--name", "job"} + options + talk.program,
                     with_input);
    await_output(runner, talk.last_answer);
    const std::string before = suspend(fixture, runner);

    const VmResult resumed = run_with_input(fixture, {"resume", "job"}, talk.other_lines);

    CAPTURE(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    return before + resumed.out;
}

void expect_same_when_suspended(const Conversation& talk) {
    const ProcessFixture fixture;
    const std::vector<std::string> grant{"--dir", fixture.work().string() + "::/"};
    const std::string expected =
        run_with_input(fixture, std::vector<std::string>{"run"} + grant + talk.program,
                       talk.first_lines + talk.other_lines)
            .out;
    REQUIRE_FALSE(expected.empty());

    CHECK(talk_suspended_between(fixture, grant, talk) == expected);
}

/// The seconds of each "away for … s".
std::vector<double> times_away(const std::string& ticks) {
    const std::string words = "away for ";
    std::vector<double> times;
    for (std::size_t at = ticks.find(words); at != std::string::npos; at = ticks.find(words, at)) {
        at += words.size();
        times.push_back(std::strtod(ticks.c_str() + at, nullptr));
    }
    return times;
}

std::string ask(std::uint16_t port, const std::string& method, const std::string& text) {
    const TcpPeer peer(port);
    peer.say(method + " / HTTP/1.1\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" +
             text);
    const std::string answer = peer.hear_all();
    const std::size_t body = answer.find("\r\n\r\n");
    return body == std::string::npos ? answer : answer.substr(body + 4);
}

}  // namespace

TEST_CASE("the sample hello is the same when reborn at each safepoint", "[checkpoint][samples]") {
    const ProcessFixture fixture;

    const VmResult result =
        fixture.run({"run", "--reincarnate-every", "1", sample("hello"), "you", "and you"});

    CHECK(result.out == "hello, you\nhello, and you\n");
}

TEST_CASE("the sample ledger, suspended on its way, says and writes what it does undisturbed",
          "[checkpoint][samples]") {
    const ProcessFixture fixture;
    const std::string log = fixture.work() / "ledger.log";
    const std::vector<std::string> grant{"--dir", fixture.work().string() + "::/"};
    const std::vector<std::string> program{sample("ledger"), "--entries", "40000"};
    const std::string expected = fixture.run(std::vector<std::string>{"run"} + grant + program).out;
    const std::string expected_log = read_text(log);
    REQUIRE(std::filesystem::remove(log));

    CHECK(run_suspended_at(fixture, grant, program, "progress 5 %") == expected);

    CHECK(read_text(log) == expected_log);
}

TEST_CASE("the sample merge, suspended with all its files open, sorts as it does undisturbed",
          "[checkpoint][samples]") {
    const ProcessFixture fixture;
    const std::string sorted = fixture.work() / "sorted";
    const std::vector<std::string> grant{"--dir", fixture.work().string() + "::/"};
    const std::vector<std::string> program{sample("merge"), "--records", "120000"};
    const std::string expected = fixture.run(std::vector<std::string>{"run"} + grant + program).out;
    const std::string expected_sorted = read_text(sorted);
    REQUIRE(std::filesystem::remove(sorted));

    CHECK(run_suspended_at(fixture, grant, program, "merged 5 %") == expected);

    CHECK(read_text(sorted) == expected_sorted);
    CHECK(std::filesystem::remove(sorted));
    CHECK(std::filesystem::is_empty(fixture.work()));
}

TEST_CASE("the sample lines answers over a suspend as it does undisturbed",
          "[checkpoint][samples]") {
    expect_same_when_suspended({{sample("lines")}, "one\ntwo\n", "2: two", "three\n\nfive"});
}

TEST_CASE("the sample scatter holds after a suspend what it holds undisturbed",
          "[checkpoint][samples]") {
    expect_same_when_suspended({{sample("scatter"), "--mebibytes", "4"},
                                "contiguous\nscattered\n",
                                "scattered 10 pages",
                                "scattered\ndigest\n"});
}

TEST_CASE("the sample editor keeps over a suspend what is typed and not yet written",
          "[checkpoint][samples]") {
    expect_same_when_suspended({{sample("editor"), "poem"},
                                "a\nroses are red\nviolets are blue\n.\n1s/red/white/\n1i\nby me\n",
                                "1  roses are white",
                                "---\n.\n%p\nu\n%p\nq\nw notes\n1,2d\nq\nq\n"});
}

TEST_CASE("the sample editor writes what was typed before a suspend", "[checkpoint][samples]") {
    const ProcessFixture fixture;

    const std::string said =
        talk_suspended_between(fixture, {"--dir", fixture.work().string() + "::/"},
                               {{sample("editor"), "poem"}, "a\nred\n.\np\n", "1  red", "w\nq\n"});

    CHECK(said == "poem is new\n   1  red\n1 lines to poem\n");
    CHECK(read_text(fixture.work() / "poem") == "red\n");
}

TEST_CASE("the sample branch_point, resumed from its own checkpoint, answers another question",
          "[checkpoint][samples]") {
    const ProcessFixture fixture;
    const VmResult first =
        run_with_input(fixture, {"run", "--name", "primes", sample("branch_point")}, "4999999\n");
    REQUIRE(first.exit_code == 0);
    REQUIRE(last_line(first.out) == "a number below 5000000? 4999999 is prime");

    const VmResult second = run_with_input(fixture, {"resume", "primes@1"}, "4999997\n");

    REQUIRE(second.exit_code == 0);
    CHECK(second.out == "prepared already\na number below 5000000? 4999997 is composite\n");
}

TEST_CASE("the sample clock ticks on after a suspend and says how long it was away",
          "[checkpoint][samples]") {
    using namespace std::chrono_literals;
    const ProcessFixture fixture;
    VmProcess runner =
        fixture.start({"run", "--name", "job", sample("clock"), "--ticks", "2", "--every", "2000"});
    await_output(runner, "tick 1");
    const std::string before = suspend(fixture, runner);
    std::this_thread::sleep_for(1s);

    const VmResult resumed = fixture.run({"resume", "job"});

    REQUIRE(resumed.exit_code == 0);
    const auto away = times_away(before + resumed.out);
    CAPTURE(before, resumed.out);
    REQUIRE(away.size() == 2);
    CHECK(away[0] < 0.5);
    CHECK(away[1] >= 0.99);
}

TEST_CASE("the sample guestbook keeps its entries over a suspend, and an older checkpoint its own",
          "[checkpoint][samples][socket]") {
    const ProcessFixture fixture;
    const std::uint16_t port = free_port();
    VmProcess first = fixture.start({"run", "--name", "job", "--tcp-listen",
                                     "127.0.0.1:" + std::to_string(port), sample("guestbook")});
    REQUIRE(ask(port, "POST", "Ada\n") == "entries: 1\n   1  Ada\n");
    suspend(fixture, first);

    VmProcess second = fixture.start({"resume", "job"});
    CHECK(ask(port, "GET", "") == "entries: 1\n   1  Ada\n");
    CHECK(ask(port, "POST", "Grace\nHopper") == "entries: 2\n   1  Ada\n   2  Grace Hopper\n");
    suspend(fixture, second);

    VmProcess rewound = fixture.start({"resume", "job@1"});
    CHECK(ask(port, "GET", "") == "entries: 1\n   1  Ada\n");
    suspend(fixture, rewound);
}

TEST_CASE("the sample guestbook outlives a client that breaks off and one that asks for nonsense",
          "[checkpoint][samples][socket]") {
    const ProcessFixture fixture;
    const std::uint16_t port = free_port();
    const VmProcess server = fixture.start(
        {"run", "--tcp-listen", "127.0.0.1:" + std::to_string(port), sample("guestbook")});
    TcpPeer(port).say("POST / HTTP/1.1\r\nContent-Length: 10\r\n");
    await_output(server, "broke off");

    CHECK(ask(port, "DELETE", "") == "GET shows the book, POST enters a line\n");

    CHECK(ask(port, "GET", "") == "entries: 0\n");
}
