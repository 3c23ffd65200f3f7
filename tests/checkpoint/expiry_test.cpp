#include <algorithm>
#include <cstdlib>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/checkpoint/reincarnation_fixture.hpp"
#include "tests/checkpoint/tcp_peer.hpp"

using namespace sojourn::tests;

namespace {

/// A guest whose leases all expire, over and over, while it runs.
struct Expiring {
    Guest guest;
    std::uint64_t every;  ///< in safepoints
};

const Expiring kGuests[] = {
    {{"arguments", {"one", "two"}}, 1},
    {{"arithmetic", {}, 7}, 1},
    {{"files"}, 1},
    {{"wasi_calls"}, 1},
    {{"start_function", {}, 42}, 1},
    {{"trap", {}, 134}, 1},
    {{"exceptions", {}, 4}, 1},
    {{"memory"}, 7},
    {{"bigmap64"}, 101},
};

const Expiring kSamples[] = {
    {{"hello", {"you", "and you"}}, 1},
    {{"lines", {}, 0, "one\ntwo\nthree\n\nfive"}, 1},
    {{"editor", {"poem"}, 0, "a\nroses are red\n.\n1s/red/white/\nw\n%p\nq\n"}, 1},
    {{"clock", {"--ticks", "3", "--every", "30"}}, 1},
    {{"scatter", {"--mebibytes", "1"}, 0, "contiguous\nscattered\ndigest\n"}, 101},
    {{"branch_point", {}, 0, "4999999\n"}, 100'003},
    {{"ledger", {"--entries", "2000"}}, 101},
    {{"merge", {"--records", "3000"}}, 101},
};

/// How many times as often as usual leases are to expire.
std::uint64_t effort() {
    const char* given = std::getenv("SOJOURN_TEST_EFFORT");
    return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

void expect_same(const Expiring& expiring, const Run& run, const Run& expected) {
    CHECK(run.result.err == expected.result.err);
    CHECK(run.result.exit_code == expected.result.exit_code);
    CHECK(run.files == expected.files);
    // What a clock shows is no output of the guest's own.
    if (expiring.guest.name != "clock") CHECK(run.result.out == expected.result.out);
}

void expect_same_when_expired(const Expiring& expiring, const std::string& program) {
    const Guest& guest = expiring.guest;
    const std::string every = std::to_string(std::max<std::uint64_t>(1, expiring.every / effort()));
    INFO(guest.name << " with all leases expired at every " << every << ". safepoint");
    const Run expected = run_guest(guest, program, {});
    REQUIRE(expected.result.exit_code == guest.exit_code);

    const Run run = run_guest(guest, program, {"--expire-every", every});

    expect_same(expiring, run, expected);
    CHECK(run.stats["expiries"] > 0);
    CHECK(expected.stats["expiries"] == 0);
}

/// So short that a host that is busy for a moment lets them pass.
void expect_same_when_held_briefly(const Expiring& expiring, const std::string& program) {
    INFO(expiring.guest.name << " with leases of a millisecond");
    std::vector<std::string> options;
    for (const char* kind : {"directory", "file", "stream", "clock", "random"}) {
        options.emplace_back("--lease-ttl");
        options.push_back(std::string(kind) + "=1ms");
    }
    const Run expected = run_guest(expiring.guest, program, {});

    const Run run = run_guest(expiring.guest, program, options);

    expect_same(expiring, run, expected);
}

}  // namespace

TEST_CASE("a guest does not notice that its leases expire", "[leases][expiry]") {
    for (const Expiring& expiring : kGuests) {
        if (const auto program = guest(expiring.guest.name))
            expect_same_when_expired(expiring, *program);
    }
}

TEST_CASE("a sample does not notice that its leases expire", "[leases][expiry][samples]") {
    for (const Expiring& expiring : kSamples)
        expect_same_when_expired(expiring, "samples/" + expiring.guest.name + ".wasm");
}

TEST_CASE("a guest does not notice leases that run out at any moment", "[leases][expiry]") {
    for (const Expiring& expiring : kGuests) {
        if (const auto program = guest(expiring.guest.name))
            expect_same_when_held_briefly(expiring, *program);
    }
    for (const Expiring& expiring : kSamples)
        expect_same_when_held_briefly(expiring, "samples/" + expiring.guest.name + ".wasm");
}

TEST_CASE("files as standard streams do not notice that their leases expire",
          "[leases][expiry][streams]") {
    const auto program = guest("dice");
    if (!program) return;
    const ProcessFixture fixture;
    const auto run = [&](const std::vector<std::string>& options) {
        const std::string out = fixture.work() / "out";
        std::vector<std::string> command{"run",      "--seed", "7", "--stdin", "samples/README.md",
                                         "--stdout", out};
        command.insert(command.end(), options.begin(), options.end());
        command.push_back(*program);
        REQUIRE(fixture.run(command).exit_code == 0);
        return read_text(out);
    };

    const std::string undisturbed = run({});

    REQUIRE_FALSE(undisturbed.empty());
    REQUIRE(run({"--expire-every", "1"}) == undisturbed);
}

TEST_CASE("expiring and reincarnating are not for one run", "[leases][expiry]") {
    const ProcessFixture fixture;

    const VmResult refused = fixture.run(
        {"run", "--expire-every", "2", "--reincarnate-every", "3", "samples/hello.wasm"});

    REQUIRE(refused.exit_code == 125);
}

TEST_CASE("a server whose leases expire all the time listens again, and its connections are reset",
          "[leases][expiry][socket]") {
    const auto program = guest("echo");
    if (!program) return;
    const ProcessFixture fixture;
    const std::uint16_t port = free_port();
    const VmProcess runner = fixture.start({"run", "--expire-every", "1", "--tcp-listen",
                                            "127.0.0.1:" + std::to_string(port), *program});

    // Each is accepted, and reset at the next safepoint: who comes later finds the guest listening.
    constexpr std::size_t kConnections = 3;
    await("some connections to be served", [&] {
        const TcpPeer peer(port);
        static_cast<void>(peer.hear_all());
        std::size_t resets = 0;
        const std::string said = runner.out();
        for (std::size_t at = said.find("errno 15"); at != std::string::npos;
             at = said.find("errno 15", at + 1))
            ++resets;
        return resets >= kConnections;
    });
}
