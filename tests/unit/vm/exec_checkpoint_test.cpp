#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;

namespace {

using Values = std::vector<std::uint64_t>;

std::uint64_t safepoints_of(MachineFixture& fixture) {
    return fixture.machine().stats().safepoints;
}

}  // namespace

TEST_CASE("a machine reborn at every safepoint computes the same", "[vm][exec][checkpoint]") {
    MachineFixture whole(assemble_file("exec_checkpoint.wat"));
    const auto expected = whole.value_of("everything", {9});
    MachineFixture reborn(assemble_file("exec_checkpoint.wat"));
    reborn.start("everything", {9});

    const auto [stop, times] = reborn.run_reincarnated();

    CHECK(std::get<vm::Finished>(stop).results == Values{expected});
    CHECK(reborn.host.notes == whole.host.notes);
    CHECK(times == safepoints_of(whole));
    CHECK(safepoints_of(reborn) == safepoints_of(whole));
    CHECK(reborn.machine().stats().host_calls == whole.machine().stats().host_calls);
}

TEST_CASE("recursion survives every safepoint", "[vm][exec][checkpoint]") {
    MachineFixture fixture(assemble_file("exec_checkpoint.wat"));
    fixture.start("fibonacci", {8});

    const auto [stop, times] = fixture.run_reincarnated();

    CHECK(std::get<vm::Finished>(stop).results == Values{21});
    CHECK(times == 66);
}

TEST_CASE("a call that has been started but not run survives", "[vm][exec][checkpoint]") {
    MachineFixture fixture(assemble_file("exec_checkpoint.wat"));
    fixture.start("fibonacci", {10});

    fixture.reincarnate();

    REQUIRE(fixture.machine().is_running());
    CHECK(std::get<vm::Finished>(fixture.machine().run()).results == Values{55});
}

TEST_CASE("an idle machine survives with its memory", "[vm][exec][checkpoint]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));
    fixture.call("fill", {500, 0x42, 8});
    fixture.call("grow", {1});
    fixture.call("bump");

    fixture.reincarnate();

    CHECK_FALSE(fixture.machine().is_running());
    CHECK(fixture.value_of("load64", {492}) == 0x4242'4242'4242'4242);
    CHECK(fixture.value_of("size") == 2);
    CHECK(fixture.value_of("bump") == 9);
    CHECK(fixture.value_of("call", {1}) == 1);
}

TEST_CASE("an interrupted host call is made again after the restore", "[vm][exec][checkpoint]") {
    MachineFixture fixture(assemble_file("exec_checkpoint.wat"));
    fixture.host.interruptions = 1;
    fixture.start("everything", {1});

    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
    const auto safepoints = safepoints_of(fixture);
    fixture.reincarnate();
    const auto stop = fixture.machine().run();

    CHECK(std::holds_alternative<vm::Finished>(stop));
    CHECK(fixture.host.notes == Values{0});
    CHECK(safepoints_of(fixture) == safepoints + 1);
}

TEST_CASE("a pause that is asked for comes at the next safepoint and stays", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_checkpoint.wat"));
    fixture.start("everything", {3});
    fixture.machine().request_pause();

    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
    CHECK(safepoints_of(fixture) == 1);
    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
    CHECK(safepoints_of(fixture) == 2);
    fixture.machine().clear_pause();

    CHECK(std::holds_alternative<vm::Finished>(fixture.machine().run()));
}

TEST_CASE("pausing at every third safepoint counts from the last pause", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_checkpoint.wat"));
    fixture.start("everything", {3});
    fixture.machine().pause_every(3);

    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
    CHECK(safepoints_of(fixture) == 3);
    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
    CHECK(safepoints_of(fixture) == 6);
    fixture.machine().pause_every(0);

    CHECK(std::holds_alternative<vm::Finished>(fixture.machine().run()));
}

TEST_CASE("capturing changes nothing", "[vm][exec][checkpoint]") {
    MachineFixture fixture(assemble_file("exec_checkpoint.wat"));
    fixture.start("everything", {3});
    fixture.machine().pause_every(5);
    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));

    const auto first = fixture.machine().capture();
    const auto second = fixture.machine().capture();

    CHECK(first == second);
}
