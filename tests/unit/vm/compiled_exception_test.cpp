#include <catch2/catch.hpp>

#include "tests/unit/vm/twins.hpp"

namespace sojourn::tests {

namespace {

/// Throws at a depth, passes frames of two functions that do not catch, and is caught in a loop, by
/// a clause in which there is one, too.
constexpr const char* kThrower = R"((module
    (tag $even (param i32 i64))
    (tag $odd (param v128))
    (func $throw (param $depth i32) (param $value i64)
        (if (local.get $depth) (then
            (call $between (i32.sub (local.get $depth) (i32.const 1)) (local.get $value))
            (drop)
            (return)))
        (if (i32.wrap_i64 (i64.and (local.get $value) (i64.const 1)))
            (then (throw $odd (i64x2.splat (local.get $value))))
            (else (throw $even (i32.wrap_i64 (local.get $value)) (local.get $value)))))
    (func $between (param $depth i32) (param $value i64) (result i32)
        (i32.add (i32.const 5) (block (result i32)
            (call $throw (local.get $depth) (local.get $value)) (i32.const 1))))
    (func (export "run") (param $count i32) (param $value i64) (result i64)
        (local $i i32) (local $sum i64) (local $turns i32)
        (loop $again
            (i64.const 100)
            (try (result i64)
                (do (i64.extend_i32_s (call $between (local.get $i) (local.get $value))))
                (catch $even (local.set $sum (i64.add (local.get $sum))) (i64.extend_i32_u))
                (catch_all
                    (local.set $turns (i32.const 3))
                    (loop $inner
                        (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
                        (br_if $inner (local.get $turns)))
                    (i64.const 7)))
            (i64.add)
            (local.set $sum (i64.add (local.get $sum)))
            (local.set $value (i64.add (local.get $value) (i64.const 1)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (local.get $count))))
        (local.get $sum))
    (func (export "lose") (param $value i64)
        (call $throw (i32.const 3) (local.get $value)))
    (func $handing_on (param $value i64) (result i64)
        (try (result i64)
            (do (try (result i64)
                (do (try (result i64)
                    (do (call $throw (i32.const 1) (local.get $value)) (i64.const 1))
                    (delegate 1)))
                (catch_all (i64.const 2))))
            (catch $even (local.set $value) (drop) (i64.add (local.get $value) (i64.const 1)))))
    (func (export "rethrown") (param $value i64) (result i64)
        (try (result i64)
            (do (try (result i64)
                (do (call $throw (i32.const 0) (call $handing_on (local.get $value))) (i64.const 3))
                (catch_all (rethrow 0))))
            (catch $even (local.set $value) (drop) (i64.sub (local.get $value) (i64.const 9)))
            (catch $odd (i64x2.extract_lane 1)))))
)";

}  // namespace

TEST_CASE("what compiled code throws is caught with the same on the stack in both tiers",
          "[exec][compiled]") {
    Twins twins{std::string(kThrower)};
    if (twins.tier == nullptr) return;

    for (const std::uint64_t every : {1U, 2U, 5U, 1000U})
        REQUIRE(twins.call_in_step("run", {6, 20}, every).size() == 1);

    for (const std::uint64_t value : {10U, 11U})
        REQUIRE(twins.call_in_step("rethrown", {value}).size() == 1);
    REQUIRE(twins.tier->counts().size() == 1);
}

TEST_CASE("an exception that nobody catches has the same backtrace in both tiers",
          "[exec][compiled]") {
    Twins twins{std::string(kThrower)};
    if (twins.tier == nullptr) return;

    const vm::Trapped expected = twins.interpreted.trap_of("lose", {8});
    const vm::Trapped trapped = twins.compiled.trap_of("lose", {8});

    REQUIRE(trapped.trap == vm::Trap::uncaught_exception);
    REQUIRE(offsets_of(trapped) == offsets_of(expected));
}

}  // namespace sojourn::tests
