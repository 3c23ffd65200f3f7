#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/checkpoint/reincarnation_fixture.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

/// The small ones end within some hundred safepoints.
const Guest kArithmetic{"arithmetic", {}, 7};
const Guest kMemory{"memory"};
const Guest kMemory64{"bigmap64"};
const Guest kFiles{"files"};
const Guest kStartFunction{"start_function", {}, 42};
const Guest kTrap{"trap", {}, 134};
const Guest kExceptions{"exceptions", {}, 4};
const Guest kTooBig{"bigmap", {"48", "4096"}};
const Guest kTooBig64{"bigmap64", {"48", "4096"}};
const Guest kAll[] = {kArithmetic, kMemory,     kMemory64, kFiles,   kStartFunction,
                      kTrap,       kExceptions, kTooBig,   kTooBig64};

void expect_same_at_every_safepoint(const Guest& small) {
    const auto program = guest(small.name);
    if (!program) return;
    HabitatMatrix matrix;
    const Run expected = run_guest(small, *program, {});
    REQUIRE(expected.result.exit_code == small.exit_code);
    REQUIRE(expected.stats["safepoints"] > 10);
    for (const Habitat& habitat : matrix.habitats())
        expect_same_when_reincarnated(small, *program, expected, habitat, 1);
}

}  // namespace

TEST_CASE("calls and numbers survive a reincarnation at every safepoint", "[checkpoint][matrix]") {
    expect_same_at_every_safepoint(kArithmetic);
}

TEST_CASE("memory that grows survives a reincarnation at every safepoint", "[checkpoint][matrix]") {
    expect_same_at_every_safepoint(kMemory);
}

TEST_CASE("a 64-bit memory survives a reincarnation at every safepoint",
          "[checkpoint][memory64][matrix]") {
    expect_same_at_every_safepoint(kMemory64);
}

TEST_CASE("open files survive a reincarnation at every safepoint", "[checkpoint][matrix]") {
    expect_same_at_every_safepoint(kFiles);
}

TEST_CASE("a start function goes on after a reincarnation and main follows it",
          "[checkpoint][matrix]") {
    expect_same_at_every_safepoint(kStartFunction);
}

TEST_CASE("exceptions of C++ survive a reincarnation at every safepoint", "[checkpoint][matrix]") {
    expect_same_at_every_safepoint(kExceptions);
}

TEST_CASE("a trap after reincarnations is the trap of the plain run, frame by frame",
          "[checkpoint][matrix]") {
    expect_same_at_every_safepoint(kTrap);
}

TEST_CASE("a guest reincarnated now and then ends as it does undisturbed", "[checkpoint][matrix]") {
    HabitatMatrix matrix;
    for (const Guest& any : kAll) {
        const auto program = guest(any.name);
        if (!program) return;
        const Run expected = run_guest(any, *program, {});
        REQUIRE(expected.result.exit_code == any.exit_code);
        const auto safepoints = expected.stats["safepoints"].get<std::uint64_t>();
        for (const Habitat& habitat : matrix.habitats()) {
            // Some hundred lives at most, and two at least.
            const std::uint64_t every =
                safepoints / 300 + matrix.interval(std::max<std::uint64_t>(3, safepoints / 2));
            expect_same_when_reincarnated(any, *program, expected, habitat, every);
        }
    }
}

TEST_CASE("a guest that does not fit its cache is reincarnated as one that does",
          "[checkpoint][matrix]") {
    HabitatMatrix matrix;
    for (const Guest& big : {kTooBig, kTooBig64}) {
        const auto program = guest(big.name);
        if (!program) return;
        const Run expected = run_guest(big, *program, {});
        const auto safepoints = expected.stats["safepoints"].get<std::uint64_t>();
        for (const Habitat& habitat : matrix.habitats()) {
            const Run run =
                expect_same_when_reincarnated(big, *program, expected, habitat, safepoints / 2);
            const bool is_evicted = run.stats["evictions"] > 0;
            CHECK(is_evicted == (habitat.cache != "unlimited"));
        }
    }
}

TEST_CASE("an unnamed run leaves nothing behind, reincarnated, interrupted or neither",
          "[checkpoint]") {
    const auto program = guest("arithmetic");
    const auto endless = guest("endless");
    if (!program || !endless) return;
    const TemporaryFolder folder;
    const fs::path empty = folder.path() / "empty";
    fs::create_directory(empty);
    const VmOptions options{
        {"TMPDIR=" + empty.native(), "HOME=" + empty.native(), "XDG_DATA_HOME=" + empty.native()},
        folder.path()};

    REQUIRE(vm({"run", *program}, options).exit_code == 7);
    REQUIRE(fs::is_empty(empty));

    REQUIRE(vm({"run", "--reincarnate-every", "50", *program}, options).exit_code == 7);
    REQUIRE(fs::is_empty(empty));

    for (const int signal : {SIGINT, SIGTERM}) {
        VmProcess runner({"run", "--reincarnate-every", "1000000000", *endless}, options);
        await_output(runner, "begun");
        REQUIRE_FALSE(fs::is_empty(empty));

        runner.send(signal);

        REQUIRE(runner.wait().exit_code == 128 + signal);
        REQUIRE(fs::is_empty(empty));
    }
}
