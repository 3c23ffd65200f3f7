#include <thread>

#include <catch2/catch.hpp>

#include "tests/unit/vm/twins.hpp"

namespace sojourn::tests {

namespace {

/// Loops without an end: one that calls nothing, one in another, one that calls, and a recursion
/// that only comes back to begin again.
constexpr const char* kEndless = R"((module
    (memory 1)
    (func (export "counts") (local $i i32)
        (loop $again
            (i32.store8 (i32.and (local.get $i) (i32.const 0xffff)) (local.get $i))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $again)))
    (func (export "counts_in_turns") (local $i i32)
        (loop $outer
            (local.set $i (i32.const 3))
            (loop $inner
                (br_if $inner (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (br $outer)))
    (func $low (param $n i32) (result i32) (i32.and (local.get $n) (i32.const 7)))
    (func (export "calls") (local $i i32)
        (loop $again
            (local.set $i (i32.add (call $low (local.get $i)) (i32.const 1)))
            (br $again)))
    (func $down (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
        (i32.add (call $down (i32.sub (local.get $n) (i32.const 1))) (i32.const 2)))
    (func (export "recurses")
        (loop $again (drop (call $down (i32.const 1000))) (br $again)))))";

/// Vectors of numbers that LLVM adds up several at a time, and what is left of a chunk.
constexpr const char* kSums = R"((module
    (memory 1)
    (func (export "sum") (param $count i32) (result i32) (local $i i32) (local $sum i32)
        (loop $fill
            (i32.store (i32.shl (local.get $i) (i32.const 2)) (i32.mul (local.get $i)
                (i32.const 2654435761)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $fill (i32.lt_u (local.get $i) (local.get $count))))
        (local.set $i (i32.const 0))
        (loop $add
            (local.set $sum (i32.add (local.get $sum)
                (i32.load (i32.shl (local.get $i) (i32.const 2)))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $add (i32.lt_u (local.get $i) (local.get $count))))
        (local.get $sum))))";

}  // namespace

TEST_CASE("compiled loops and calls without an end come to a pause", "[exec][compiled]") {
    const auto tier = tier_or_none();
    if (tier == nullptr) return;
    MachineFixture fixture({}, tier.get());
    fixture.add(assemble(kEndless));
    fixture.start(GENERATE("counts", "counts_in_turns", "calls", "recurses"));
    std::uint64_t safepoints = 0;

    for (int time = 0; time < 3; ++time) {
        std::thread asking([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            fixture.machine().request_pause();
        });
        REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
        asking.join();
        fixture.machine().clear_pause();
        REQUIRE(fixture.machine().stats().safepoints > safepoints);
        safepoints = fixture.machine().stats().safepoints;
    }
}

TEST_CASE("loops that are gone through in chunks pause at each of their safepoints",
          "[exec][compiled]") {
    Twins twins{std::string(kSums)};
    if (twins.tier == nullptr) return;

    for (const std::uint64_t every : {1U, 97U, 4095U, 4096U, 4097U, 100'000U})
        REQUIRE(twins.call_in_step("sum", {12'000}, every).size() == 1);
    REQUIRE(twins.call_in_step("sum", {1}).front() == 0);
}

TEST_CASE("a trap in a chunk is where the interpreter's is", "[exec][compiled]") {
    Twins twins{std::string(kSums)};
    if (twins.tier == nullptr) return;

    const vm::Trapped expected = twins.interpreted.trap_of("sum", {16'385});
    const vm::Trapped trapped = twins.compiled.trap_of("sum", {16'385});

    REQUIRE(trapped.trap == vm::Trap::out_of_bounds_memory);
    REQUIRE(offsets_of(trapped) == offsets_of(expected));
    REQUIRE(twins.compiled.machine().stats().safepoints ==
            twins.interpreted.machine().stats().safepoints);
}

}  // namespace sojourn::tests
