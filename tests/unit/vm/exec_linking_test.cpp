#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;

namespace {

constexpr std::string_view kProvider = R"((module
  (memory (export "memory") 1 3)
  (table (export "table") 4 funcref)
  (global (export "offset") i32 (i32.const 2))
  (global $count (export "count") (mut i32) (i32.const 0))
  (func $bump (export "bump") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 0) (global.get $count))
    (global.get $count))
  (func (export "widen") (result i32) (memory.grow (i32.const 1)))
  (func (export "call_back") (param i32) (result i32)
    (i32.add (i32.const 100) (call_indirect (result i32) (local.get 0))))
  (func (export "divide") (param i32) (result i32)
    (i32.div_u (i32.const 1) (local.get 0)))))";

constexpr std::string_view kUser = R"((module
  (import "provider" "memory" (memory 1 3))
  (import "provider" "table" (table 4 funcref))
  (import "provider" "offset" (global $offset i32))
  (import "provider" "bump" (func $bump (result i32)))
  (import "provider" "widen" (func $widen (result i32)))
  (import "provider" "call_back" (func $call_back (param i32) (result i32)))
  (import "provider" "divide" (func $divide (param i32) (result i32)))
  (elem (global.get $offset) $own $bump)
  (global $mine (mut i32) (i32.const 41))
  (func $own (result i32) (global.set $mine (i32.add (global.get $mine) (i32.const 1)))
    (global.get $mine))
  (func (export "bump_twice") (result i32) (drop (call $bump)) (call $bump))
  (func (export "shared_byte") (result i32) (i32.load8_u (i32.const 0)))
  (func (export "touch_after_widening") (result i32)
    (drop (call $widen)) (i32.store (i32.const 65536) (i32.const 5)) (memory.size))
  (func (export "there_and_back") (param i32) (result i32)
    (i32.add (i32.const 1000) (call $call_back (local.get 0))))
  (func (export "divide") (param i32) (result i32) (call $divide (local.get 0)))
  (export "provided" (func $bump))))";

struct TwoInstances {
    TwoInstances() {
        fixture.add(assemble(kProvider), "provider");
        fixture.add(assemble(kUser));
    }
    MachineFixture fixture;
};

std::string refusal_of(MachineFixture& fixture, std::string_view text) {
    const auto result = fixture.instantiate(assemble(text));
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::unlinkable_module);
    return result.error().message;
}

}  // namespace

TEST_CASE_METHOD(TwoInstances, "a function of another instance works on its own state",
                 "[vm][exec]") {
    CHECK(fixture.value_of("bump_twice") == 2);
    CHECK(fixture.value_of("shared_byte") == 2);
    CHECK(fixture.value_of("provided") == 3);
}

TEST_CASE_METHOD(TwoInstances, "a memory grown by another instance is seen at once", "[vm][exec]") {
    CHECK(fixture.value_of("touch_after_widening") == 2);
}

TEST_CASE_METHOD(TwoInstances, "calls cross instances both ways through a shared table",
                 "[vm][exec]") {
    CHECK(fixture.value_of("there_and_back", {2}) == 1142);
    CHECK(fixture.value_of("there_and_back", {3}) == 1101);
    CHECK(fixture.value_of("there_and_back", {2}) == 1143);
}

TEST_CASE_METHOD(TwoInstances, "a backtrace names the instances it passes", "[vm][exec]") {
    const auto trapped = fixture.trap_of("divide", {0});

    REQUIRE(trapped.backtrace.size() == 2);
    CHECK(trapped.backtrace[0].instance == vm::InstanceIndex{0});
    CHECK(trapped.backtrace[1].instance == vm::InstanceIndex{1});
}

TEST_CASE_METHOD(TwoInstances, "frames of two instances survive every safepoint",
                 "[vm][exec][checkpoint]") {
    fixture.start("there_and_back", {2});

    const auto [stop, times] = fixture.run_reincarnated();

    CHECK(std::get<vm::Finished>(stop).results == std::vector<std::uint64_t>{1142});
    CHECK(times == 2);
}

TEST_CASE("an imported host function can be what a thread is started with", "[vm][exec]") {
    MachineFixture fixture(assemble(R"((module
        (import "host" "wait" (func $wait (param i32) (result i32)))
        (export "wait" (func $wait))))"));
    fixture.host.interruptions = 2;
    fixture.start("wait", {12});

    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
    fixture.reincarnate();
    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
    const auto stop = fixture.machine().run();

    CHECK(std::get<vm::Finished>(stop).results == std::vector<std::uint64_t>{12});
}

TEST_CASE("all unknown imports are named at once", "[vm][exec]") {
    MachineFixture fixture;

    const auto message = refusal_of(fixture, R"((module
        (import "host" "note" (func (param i32)))
        (import "host" "missing" (func))
        (import "nowhere" "memory" (memory 1))))");

    CHECK(message == "unknown import: \"host\" \"missing\", \"nowhere\" \"memory\"");
}

TEST_CASE("an import must be what it is declared to be", "[vm][exec]") {
    MachineFixture fixture;
    fixture.add(assemble(kProvider), "provider");
    const std::string refusal = "incompatible import type: ";

    CHECK(refusal_of(fixture, R"((module (import "provider" "bump" (func (param i32)))))") ==
          refusal + R"("provider" "bump")");
    CHECK(refusal_of(fixture, R"((module (import "provider" "memory" (memory 2))))") ==
          refusal + R"("provider" "memory")");
    CHECK(refusal_of(fixture, R"((module (import "provider" "memory" (memory 1 2))))") ==
          refusal + R"("provider" "memory")");
    CHECK(refusal_of(fixture, R"((module (import "provider" "table" (table 4 9 funcref))))") ==
          refusal + R"("provider" "table")");
    CHECK(refusal_of(fixture, R"((module (import "provider" "table" (table 4 externref))))") ==
          refusal + R"("provider" "table")");
    CHECK(refusal_of(fixture, R"((module (import "provider" "count" (global i32))))") ==
          refusal + R"("provider" "count")");
    CHECK(refusal_of(fixture, R"((module (import "provider" "count" (func))))") ==
          refusal + R"("provider" "count")");
}

TEST_CASE("an active segment that does not fit traps and leaves what came before it",
          "[vm][exec]") {
    MachineFixture fixture;
    fixture.add(assemble(kProvider), "provider");

    const auto result = fixture.instantiate(assemble(R"((module
        (import "provider" "memory" (memory 1))
        (data (i32.const 0) "\07")
        (data (i32.const 65535) "\01\02")))"));

    CHECK(std::get<vm::Trap>(result.value()) == vm::Trap::out_of_bounds_memory);
    fixture.add(assemble(R"((module (import "provider" "memory" (memory 1))
        (func (export "first") (result i32) (i32.load8_u (i32.const 0)))))"));
    CHECK(fixture.value_of("first") == 7);
}

TEST_CASE("a start function is run by the caller", "[vm][exec]") {
    MachineFixture fixture;

    fixture.add(assemble(R"((module
        (import "host" "note" (func $note (param i32)))
        (func $start (call $note (i32.const 3)))
        (start $start)))"));

    CHECK(fixture.host.notes == std::vector<std::uint64_t>{3});
}
