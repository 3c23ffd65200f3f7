#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;

namespace {

/// Counts what it passes in a global, so that it can be seen how far it came.
constexpr std::string_view kEndless = R"((module
  (memory (export "memory") 1) (table 1 funcref)
  (global $turns (mut i32) (i32.const 0))
  (func $count (global.set $turns (i32.add (global.get $turns) (i32.const 1))))
  (func (export "spin") (loop $again (call $count) (br $again)))
  (func (export "turns") (result i32) (global.get $turns))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "widen") (param i32) (result i32)
    (table.grow 0 (ref.null func) (local.get 0)))))";

constexpr std::uint32_t kRefused = UINT32_MAX;

vm::MachineOptions with_fuel(std::uint64_t safepoints) {
    vm::MachineOptions options;
    options.fuel = safepoints;
    return options;
}

vm::MachineOptions with_memory(std::uint64_t bytes) {
    vm::MachineOptions options;
    options.memory_bytes_max = bytes;
    return options;
}

std::uint64_t safepoints_until_out_of_fuel(MachineFixture& fixture) {
    fixture.add(assemble(kEndless));
    CHECK(fixture.trap_of("spin").trap == vm::Trap::out_of_fuel);
    return fixture.machine().stats().safepoints;
}

}  // namespace

TEST_CASE("a guest passes as many safepoints as it has fuel and traps at the next",
          "[vm][exec][limits]") {
    MachineFixture fixture(with_fuel(1000));

    REQUIRE(safepoints_until_out_of_fuel(fixture) == 1001);
}

TEST_CASE("fuel is the same however often the guest is paused or reborn", "[vm][exec][limits]") {
    MachineFixture whole(with_fuel(100));
    const auto expected = safepoints_until_out_of_fuel(whole);
    MachineFixture reborn(with_fuel(100));
    reborn.add(assemble(kEndless));
    reborn.start("spin");

    const auto [stop, times] = reborn.run_reincarnated();

    REQUIRE(std::get<vm::Trapped>(stop).trap == vm::Trap::out_of_fuel);
    REQUIRE(reborn.machine().stats().safepoints == expected);
    REQUIRE(times == 100);
}

TEST_CASE("running out of fuel tells where", "[vm][exec][limits]") {
    MachineFixture fixture(with_fuel(9));
    fixture.add(assemble(kEndless));

    const auto trapped = fixture.trap_of("spin");

    REQUIRE(trapped.backtrace.size() == 1);
    REQUIRE(trapped.backtrace[0].function_index == 1);
}

TEST_CASE("memories and tables grow together up to their limit, across a rebirth too",
          "[vm][exec][limits]") {
    MachineFixture fixture(with_memory(4 * vm::kWasmPageBytes));
    fixture.add(assemble(kEndless));

    REQUIRE(fixture.value_of("grow", {3}) == kRefused);  // the table has a page of 4 KiB
    REQUIRE(fixture.value_of("grow", {1}) == 1);
    fixture.reincarnate();
    REQUIRE(fixture.value_of("grow", {2}) == kRefused);
    REQUIRE(fixture.value_of("widen", {30'000}) == kRefused);
    REQUIRE(fixture.value_of("widen", {7'000}) == 1);
    REQUIRE(fixture.value_of("grow", {1}) == 2);
    REQUIRE(fixture.value_of("widen", {7'000}) == kRefused);
    REQUIRE(fixture.value_of("grow", {0}) == 3);
}

TEST_CASE("a module that begins beyond the limit is refused with the option that sets it",
          "[vm][exec][limits]") {
    MachineFixture fixture(with_memory(vm::kWasmPageBytes));

    const auto refused = fixture.instantiate(assemble(kEndless));

    REQUIRE(refused.error().code == ErrorCode::out_of_memory);
    REQUIRE(refused.error().message.find("--max-memory") != std::string::npos);
}
