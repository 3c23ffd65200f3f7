#include <catch2/catch.hpp>

#include "tests/unit/vm/twins.hpp"

using namespace sojourn;
using namespace sojourn::tests;

namespace {

/// A loop in a recursion: values live across both, of every type, and a call that uses them.
constexpr const char* kNest = R"((module
    (table 2 funcref) (elem (i32.const 0) $nest $leaf)
    (type $f (func (param i32 i64) (result i64)))
    (func $leaf (param i32 i64) (result i64) (i64.add (local.get 1) (i64.const 3)))
    (func $nest (export "nest") (param $depth i32) (param $seed i64) (result i64)
        (local $i i32) (local $x f32) (local $y f64)
        (local.set $y (f64.convert_i64_s (local.get $seed)))
        (i64.const 1000)
        (loop $again (param i64) (result i64)
            (local.set $x (f32.add (local.get $x) (f32.const 0.5)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (i64.mul (i64.const 3))
            (i64.add (call_indirect (type $f) (i32.sub (local.get $depth) (i32.const 1))
                (i64.add (local.get $seed) (i64.extend_i32_u (local.get $i)))
                (i32.le_s (local.get $depth) (i32.const 0))))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 3))))
        (i64.add (i64.trunc_f64_s (f64.add (local.get $y) (f64.promote_f32 (local.get $x)))))))"
                              ")";

/// Recurses without end, or as deep as it is told.
constexpr const char* kDeep = R"((module
    (func $down (export "down") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 2)))
            (else (i32.const 1))))
    (func $endless (export "endless") (param i32)
        (call $endless (i32.add (local.get 0) (i32.const 1))))))";

}  // namespace

TEST_CASE("a function is compiled when it is called first, or it is known why not",
          "[exec][compiled]") {
    const auto tier = tier_or_none();
    if (tier == nullptr) return;
    MachineFixture fixture({}, tier.get());
    std::string locals;
    for (int i = 0; i < 5000; ++i)
        locals += " i64";
    fixture.add(assemble(R"((module
        (func (export "sum") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "wide") (param i32) (result i32) (local)" +
                         locals + R"()
            (local.get 0))))"));

    REQUIRE(fixture.value_of("sum", {4}) == 5);
    REQUIRE(fixture.value_of("sum", {5}) == 6);
    REQUIRE(fixture.value_of("wide", {7}) == 7);

    const auto counts = tier->counts();
    REQUIRE(counts.at("compiled") == 1);
    REQUIRE(counts.size() == 2);
}

TEST_CASE("at every safepoint the stack holds the same in both tiers", "[exec][compiled]") {
    Twins twins(kNest, {}, GENERATE(vm::Engine::jit, vm::Engine::automatic));
    if (twins.tier == nullptr) return;

    REQUIRE(twins.call_in_step("nest", {4, 7}).size() == 1);

    REQUIRE(twins.compiled.machine().stats().safepoints > 100);
}

TEST_CASE("safepoints are counted alike in both tiers", "[exec][compiled]") {
    Twins twins(kNest);
    if (twins.tier == nullptr) return;

    REQUIRE(twins.compiled.value_of("nest", {5, 9}) == twins.interpreted.value_of("nest", {5, 9}));

    REQUIRE(twins.compiled.machine().stats().safepoints ==
            twins.interpreted.machine().stats().safepoints);
}

TEST_CASE("it is counted how often one tier follows the other", "[exec][compiled]") {
    Twins twins(kNest);
    if (twins.tier == nullptr) return;
    const auto switches = [&] { return twins.compiled.machine().stats().tier_switches; };
    REQUIRE(twins.compiled.value_of("nest", {0, 9}) > 0);
    const std::uint64_t first = switches();

    REQUIRE(twins.compiled.value_of("nest", {0, 9}) > 0);
    REQUIRE(switches() == first + 2);  // in, and out at its end

    twins.compiled.machine().pause_every(1);
    twins.compiled.start("nest", {0, 9});
    while (std::holds_alternative<vm::Paused>(twins.compiled.machine().run())) {
    }
    REQUIRE(switches() > first + 4);
    REQUIRE(switches() % 2 == 0);
    REQUIRE(twins.interpreted.machine().stats().tier_switches == 0);
}

TEST_CASE("a process is reborn between the tiers at every safepoint", "[exec][compiled]") {
    Twins twins(kNest, {}, GENERATE(vm::Engine::jit, vm::Engine::automatic));
    if (twins.tier == nullptr) return;
    const auto expected = twins.interpreted.call("nest", {4, 7});

    twins.compiled.start("nest", {4, 7});
    const auto [stop, times] = twins.compiled.run_reincarnated();

    REQUIRE(std::get<vm::Finished>(stop).results == expected);
    REQUIRE(times > 100);
}

TEST_CASE("a recursion deeper than the native stack goes on in the interpreter",
          "[exec][compiled]") {
    constexpr std::uint64_t kDepth = 1'000'000;
    Twins twins(kDeep, {.stack_bytes_max = 128U << 20U});
    if (twins.tier == nullptr) return;

    REQUIRE(twins.compiled.value_of("down", {kDepth}) == 2 * kDepth + 1);
}

TEST_CASE("the stack is exhausted at the same depth in both tiers", "[exec][compiled]") {
    Twins twins(kDeep, {.stack_bytes_max = 32U << 20U});
    if (twins.tier == nullptr) return;

    const vm::Trapped expected = twins.interpreted.trap_of("endless", {0});
    const vm::Trapped trapped = twins.compiled.trap_of("endless", {0});

    REQUIRE(trapped.trap == vm::Trap::stack_exhausted);
    REQUIRE(trapped.frames_left_out == expected.frames_left_out);
    REQUIRE(offsets_of(trapped) == offsets_of(expected));
}

TEST_CASE("code that comes in the middle of a recursion changes nothing", "[exec][compiled]") {
    Twins twins(kNest, {}, vm::Engine::automatic);
    if (twins.tier == nullptr) return;
    const auto expected = twins.interpreted.value_of("nest", {6, 7});

    for (int calls = 0; twins.tier->counts()["compiled"] < 3; ++calls)
        REQUIRE(twins.compiled.value_of("nest", {6, 7}) == expected);
    REQUIRE(twins.compiled.value_of("nest", {6, 7}) == expected);
}

TEST_CASE("a trap has the same backtrace in both tiers", "[exec][compiled]") {
    Twins twins(R"((module (memory 1)
        (func $load (param i32) (result i32) (i32.load offset=8 (local.get 0)))
        (func $divide (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
        (func (export "load") (param i32) (result i32) (nop) (call $load (local.get 0)))
        (func (export "divide") (param i32) (result i32) (call $divide (local.get 0)))
        (func (export "unreachable") (param i32) (nop) (unreachable))))");
    if (twins.tier == nullptr) return;

    for (const auto& [function, argument, trap] :
         {std::tuple{"load", std::uint64_t{65525}, vm::Trap::out_of_bounds_memory},
          {"load", UINT32_MAX, vm::Trap::out_of_bounds_memory},
          {"divide", 0, vm::Trap::divide_by_zero},
          {"unreachable", 0, vm::Trap::unreachable}}) {
        const vm::Trapped expected = twins.interpreted.trap_of(function, {argument});
        const vm::Trapped trapped = twins.compiled.trap_of(function, {argument});
        REQUIRE(trapped.trap == trap);
        REQUIRE(expected.trap == trap);
        REQUIRE(offsets_of(trapped) == offsets_of(expected));
    }
    REQUIRE(twins.compiled.value_of("load", {65524}) == 0);
}

TEST_CASE("a host call that is interrupted is made again by whichever tier goes on",
          "[exec][compiled]") {
    Twins twins(R"((module
        (import "host" "wait" (func $wait (param i32) (result i32)))
        (func (export "twice") (param i32) (result i32)
            (i32.add (call $wait (local.get 0)) (call $wait (i32.const 20))))))");
    if (twins.tier == nullptr) return;
    twins.compiled.host.interruptions = 2;
    twins.compiled.start("twice", {1});

    REQUIRE(std::holds_alternative<vm::Paused>(twins.compiled.machine().run()));
    twins.compiled.reincarnate();
    REQUIRE(std::holds_alternative<vm::Paused>(twins.compiled.machine().run()));

    const auto stop = twins.compiled.machine().run();
    REQUIRE(std::get<vm::Finished>(stop).results == std::vector<std::uint64_t>{21});
}

TEST_CASE("an exception passes compiled frames on its way to an interpreted one",
          "[exec][compiled]") {
    Twins twins(R"((module
        (tag $t (param i32))
        (func $throw (param i32) (throw $t (i32.add (local.get 0) (i32.const 1))))
        (func $between (param i32) (result i32)
            (call $throw (i32.mul (local.get 0) (i32.const 10))) (i32.const 0))
        (func $catch (param i32) (result i32)
            (try (result i32) (do (call $between (local.get 0))) (catch $t)))
        (func (export "run") (param i32) (result i32)
            (i32.add (i32.const 100) (call $catch (local.get 0))))))");
    if (twins.tier == nullptr) return;

    REQUIRE(twins.compiled.value_of("run", {4}) == 141);
    REQUIRE(twins.compiled.value_of("run", {5}) == 151);
}
