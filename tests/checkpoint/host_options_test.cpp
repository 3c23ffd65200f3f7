#include <fstream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/checkpoint/reincarnation_fixture.hpp"
#include "tests/checkpoint/tcp_peer.hpp"

using namespace sojourn::tests;

namespace {

VmProcess start_server(const ProcessFixture& fixture, const std::string& program,
                       std::uint16_t port) {
    return fixture.start(
        {"run", "--name", "echo", "--tcp-listen", "127.0.0.1:" + std::to_string(port), program});
}

}  // namespace

TEST_CASE("every call of WASI answers what the specification names, reincarnated or not",
          "[checkpoint][wasi]") {
    const auto program = guest("wasi_calls");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string grant = fixture.work().string() + "::/";

    for (const std::string every : {"0", "11"}) {
        const auto result =
            fixture.run({"run", "--dir", grant, "--reincarnate-every", every, *program});
        CAPTURE(every, result.out, result.err);
        REQUIRE(result.exit_code == 0);
        REQUIRE(result.out.find(" 0 failures") != std::string::npos);
    }
}

TEST_CASE("a directory may have a comma in its name", "[checkpoint][wasi]") {
    const ProcessFixture fixture;
    const std::string directory = fixture.work() / "this, that";
    std::filesystem::create_directory(directory);

    const VmResult granted = fixture.run({"run", "--dir", directory + "::/,on-resume=keep",
                                          "samples/ledger.wasm", "--entries", "1000"});
    const VmResult mistaken = fixture.run({"run", "--dir", directory + "::/,onresume=keep",
                                           "samples/ledger.wasm", "--entries", "1000"});

    INFO(granted.err);
    CHECK(granted.exit_code == 0);
    CHECK(std::filesystem::exists(directory + "/ledger.log"));
    const VmResult unknown = fixture.run({"resume", "nobody", "--dir", directory + "::/"});
    CHECK(unknown.err.find("not found") != std::string::npos);
    CHECK(mistaken.exit_code == 125);
    CHECK(mistaken.err.find("no key 'onresume'; there is on-resume") != std::string::npos);
}

TEST_CASE("a server's guest answers, is suspended in accept, and answers again after its resume",
          "[checkpoint][socket]") {
    const auto program = guest("echo");
    if (!program) return;
    const ProcessFixture fixture;
    const std::uint16_t port = free_port();
    VmProcess first = start_server(fixture, *program, port);
    {
        const TcpPeer peer(port);
        peer.say("hello");
        REQUIRE(peer.hear(5) == "hello");
    }
    await_output(first, "served");

    REQUIRE(fixture.run({"suspend", "echo"}).exit_code == 0);
    REQUIRE(first.wait().exit_code == 75);
    VmProcess second = fixture.start({"resume", "echo"});

    {
        const TcpPeer peer(port);
        peer.say("again");
        REQUIRE(peer.hear(5) == "again");
        peer.say("quit");
        REQUIRE(peer.hear(1).empty());
    }
    REQUIRE(second.wait().exit_code == 0);
}

TEST_CASE("a connection that was open at a suspend is reset on both sides",
          "[checkpoint][socket]") {
    const auto program = guest("echo");
    if (!program) return;
    const ProcessFixture fixture;
    const std::uint16_t port = free_port();
    VmProcess first = start_server(fixture, *program, port);
    const TcpPeer peer(port);
    peer.say("hello");
    REQUIRE(peer.hear(5) == "hello");

    REQUIRE(fixture.run({"suspend", "echo"}).exit_code == 0);
    REQUIRE(peer.hear(1).empty());
    VmProcess second = fixture.start({"resume", "echo"});

    await_output(second, "receive: errno 15");
    await_output(second, "served");
    const TcpPeer next(port);
    next.say("quit");
    REQUIRE(second.wait().exit_code == 0);
}

TEST_CASE("files as standard streams go on where the checkpoint was", "[checkpoint][streams]") {
    const auto program = guest("dice");
    if (!program) return;
    const ProcessFixture fixture;
    std::ofstream(fixture.work() / "in") << std::string(5000, 'x') << "\nlast\n";
    const auto run = [&](const std::string& every) {
        const auto out = (fixture.work() / "out").string();
        const auto result =
            fixture.run({"run", "--seed", "7", "--stdin", fixture.work() / "in", "--stdout", out,
                         "--stderr", out, "--reincarnate-every", every, *program});
        REQUIRE(result.exit_code == 0);
        REQUIRE(result.out.empty());
        return read_text(out);
    };

    const std::string whole = run("0");

    REQUIRE(whole.find("xx\nlast\n") != std::string::npos);
    REQUIRE(whole.find("done\n") != std::string::npos);
    REQUIRE(run("97") == whole);
}

TEST_CASE("limits end a guest with an exit code and a line of their own", "[checkpoint][limits]") {
    const auto endless = guest("endless");
    const auto sleeper = guest("sleeper");
    if (!endless || !sleeper) return;
    const ProcessFixture fixture;

    const auto unfuelled = fixture.run({"run", "--fuel", "1000", *endless});
    CHECK(unfuelled.exit_code == 134);
    CHECK(unfuelled.err.starts_with("vm: trap: out of fuel\n"));
    for (const std::string& program : {*endless, *sleeper}) {
        const auto late = fixture.run({"run", "--timeout", "200ms", program});
        CHECK(late.exit_code == 124);
        CHECK(late.err == "vm: time is up (--timeout)\n");
    }
    const auto small = fixture.run({"run", "--max-memory", "64K", *endless});
    CHECK(small.exit_code == 125);
    CHECK(small.err.find("--max-memory") != std::string::npos);
}

TEST_CASE("a process with a name whose time is up is suspended and can be resumed",
          "[checkpoint][limits]") {
    const auto endless = guest("endless");
    if (!endless) return;
    const ProcessFixture fixture;

    const auto late = fixture.run({"run", "--name", "spin", "--timeout", "300ms", *endless});

    REQUIRE(late.exit_code == 124);
    REQUIRE(late.err.find("vm resume spin") != std::string::npos);
    REQUIRE(fixture.row_of("spin")["state"] == "suspended");
    REQUIRE(fixture.run({"resume", "--timeout", "100ms", "spin"}).exit_code == 124);
}

TEST_CASE("fuel lasts as long however often a process is reborn", "[checkpoint][limits]") {
    const auto endless = guest("endless");
    if (!endless) return;
    const ProcessFixture fixture;
    const auto safepoints_with = [&](const std::string& every) {
        const auto stats = fixture.folder() / "stats.json";
        REQUIRE(fixture
                    .run({"run", "--fuel", "400", "--stats", stats, "--reincarnate-every", every,
                          *endless})
                    .exit_code == 134);
        return nlohmann::json::parse(read_text(stats))["safepoints"];
    };

    REQUIRE(safepoints_with("0") == safepoints_with("37"));
}

TEST_CASE("all imports that are not provided are named with what may have been meant",
          "[checkpoint]") {
    const auto program = guest("unlinkable");
    if (!program) return;
    const ProcessFixture fixture;

    const auto result = fixture.run({"run", *program});

    REQUIRE(result.exit_code == 125);
    CAPTURE(result.err);
    for (const char* part :
         {"unknown import: \"nobody\" \"provides_this\", ",
          "(nearest is \"wasi_snapshot_preview1\" \"fd_write\")", "(its type is (i32) -> (i32))"})
        CHECK(result.err.find(part) != std::string::npos);
}
