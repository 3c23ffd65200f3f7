#include <catch2/catch.hpp>

#include "tests/unit/vm/twins.hpp"

namespace sojourn::tests {

namespace {

constexpr std::uint64_t kSmallStack = 1U << 20U;

/// Functions of different types and frames that call each other last.
constexpr const char* kChain = R"((module
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (import "host" "wait" (func $wait (param i32) (result i32)))
    (type $wide (func (param i64 i64 i64 i64 i64 i64 i64 f64 f32 v128 i32) (result i32)))
    (table 2 funcref)
    (elem (i32.const 0) $wide $add)
    (func $itself (export "itself") (param $n i32) (param $sum i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (local.get $sum))))
        (return_call $itself (i32.sub (local.get $n) (i32.const 1))
            (i32.add (local.get $sum) (local.get $n))))
    (func $even (export "even") (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
        (return_call $odd (i32.sub (local.get $n) (i32.const 1)) (i64.const 5)))
    (func $odd (param $n i32) (param $unused i64) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
        (return_call_indirect (type $wide) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
            (i64.const 5) (i64.const 6) (local.get $unused) (f64.const 8) (f32.const 9)
            (v128.const i32x4 1 2 3 4) (local.get $n) (i32.const 0)))
    (func $wide (type $wide) (local $l v128)
        (local.set $l (i64x2.splat (i64.add (local.get 0) (local.get 6))))
        (return_call $even (i32.sub (local.get 10)
            (i32.wrap_i64 (i64.sub (i64x2.extract_lane 1 (local.get $l)) (i64.const 5))))))
    (func (export "from_loop") (param $n i32) (result i32)
        (loop $again
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $again (i32.gt_u (local.get $n) (i32.const 50))))
        (i32.const 7)
        (return_call $even (local.get $n)))
    (func (export "host") (param i32) (result i32) (i32.const 8) (return_call $wait (local.get 0)))
    (func (export "host_indirect") (param i32) (result i32)
        (return_call_indirect (param i32 i32) (result i32)
            (local.get 0) (i32.const 30) (i32.const 1)))
    (func (export "into_frames") (param $n i32) (result i32)
        (i32.add (i32.const 1) (call $even (local.get $n))))
    (func $two (param i32) (result i32 v128)
        (local.get 0) (v128.const i32x4 1 2 3 4))
    (func (export "two") (param i32) (result i32 v128) (return_call $two (local.get 0)))
))";

/// Ends in a frame that does not fit.
constexpr const char* kLarge = R"((module
    (func $large (param i32) (result i32) (local %s) (local.get 0))
    (func $down (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
            (else (return_call $large (i32.const 3)))))
    (func (export "warm") (result i32) (call $down (i32.const 0)))
    (func (export "down") (param i32) (result i32) (call $down (local.get 0)))))";

}  // namespace

TEST_CASE("a million tail calls take no stack", "[exec][compiled]") {
    Twins twins(std::string(kChain), {.stack_bytes_max = kSmallStack});
    if (twins.tier == nullptr) return;
    constexpr std::uint64_t kCalls = 1'000'000;

    for (int warm = 0; warm < 2; ++warm) {
        REQUIRE(twins.compiled.value_of("itself", {kCalls, 0}) == 1784293664);
        REQUIRE(twins.compiled.value_of("even", {kCalls}) == 1);
        REQUIRE(twins.compiled.value_of("from_loop", {kCalls}) == 1);
    }
    REQUIRE(twins.tier->counts().size() == 1);
}

TEST_CASE("tail calls leave the same on the stack in both tiers", "[exec][compiled]") {
    Twins twins{std::string(kChain)};
    if (twins.tier == nullptr) return;

    for (const std::uint64_t every : {1U, 3U, 10U}) {
        REQUIRE(twins.call_in_step("into_frames", {61}, every).size() == 1);
        REQUIRE(twins.call_in_step("from_loop", {80}, every).size() == 1);
    }
    REQUIRE(twins.call_in_step("two", {4}).size() == 3);
    REQUIRE(twins.call_in_step("host_indirect", {12}) == std::vector<std::uint64_t>{42});
}

TEST_CASE("a host call in the last place is made again when it was interrupted",
          "[exec][compiled]") {
    Twins twins{std::string(kChain)};
    if (twins.tier == nullptr) return;
    twins.compiled.host.interruptions = 2;
    twins.compiled.start("host", {17});

    REQUIRE(std::holds_alternative<vm::Paused>(twins.compiled.machine().run()));
    twins.compiled.reincarnate();
    REQUIRE(std::holds_alternative<vm::Paused>(twins.compiled.machine().run()));

    const auto stop = twins.compiled.machine().run();
    REQUIRE(std::get<vm::Finished>(stop).results == std::vector<std::uint64_t>{17});
}

TEST_CASE("a tail call whose frame does not fit traps in the caller's in both tiers",
          "[exec][compiled]") {
    std::string text(kLarge);
    std::string locals;
    for (int i = 0; i < 4000; ++i)
        locals += " i64";
    text.replace(text.find("%s"), 2, locals);
    Twins twins(text, {.stack_bytes_max = kSmallStack});
    if (twins.tier == nullptr) return;
    REQUIRE(twins.compiled.value_of("warm") == 3);

    std::uint64_t depth = 1;
    for (std::uint64_t step = 1U << 16U; step > 0; step /= 2) {
        twins.interpreted.start("down", {depth + step});
        if (std::holds_alternative<vm::Finished>(twins.interpreted.machine().run())) depth += step;
    }

    REQUIRE(twins.compiled.value_of("down", {depth}) == depth + 3);
    const vm::Trapped expected = twins.interpreted.trap_of("down", {depth + 1});
    const vm::Trapped trapped = twins.compiled.trap_of("down", {depth + 1});
    REQUIRE(trapped.trap == vm::Trap::stack_exhausted);
    REQUIRE(expected.trap == vm::Trap::stack_exhausted);
    REQUIRE(trapped.frames_left_out == expected.frames_left_out);
    REQUIRE(offsets_of(trapped) == offsets_of(expected));
}

}  // namespace sojourn::tests
