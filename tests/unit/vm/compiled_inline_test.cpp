#include <catch2/catch.hpp>

#include "tests/unit/vm/twins.hpp"

namespace sojourn::tests {

namespace {

/// Small functions in small functions: recursions, loops, early returns, several results, a way out
/// that is never taken, and calls that stay calls.
constexpr const char* kNested = R"((module
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (table 1 funcref) (elem (i32.const 0) $double)
    (memory 1)
    (func $double (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))
    (func $fib (export "fib") (param $n i32) (result i32) (local $sum i32)
        (loop $again (result i32)
            (if (i32.lt_u (local.get $n) (i32.const 2))
                (then (return (i32.add (local.get $sum) (local.get $n)))))
            (local.set $sum (i32.add (local.get $sum)
                (call $fib (i32.sub (local.get $n) (i32.const 1)))))
            (local.set $n (i32.sub (local.get $n) (i32.const 2)))
            (br $again)))
    (func $even (export "even") (param $n i64) (result i32 f64)
        (if (i64.eqz (local.get $n)) (then (return (i32.const 1) (f64.const 0.5))))
        (call $odd (i64.sub (local.get $n) (i64.const 1))))
    (func $odd (param $n i64) (result i32 f64)
        (if (i64.eqz (local.get $n)) (then (i32.const 0) (f64.const 1.5) (return)))
        (i64.const 77)
        (call $even (i64.sub (local.get $n) (i64.const 1)))
        (i64.reinterpret_f64) (f64.reinterpret_i64) (return))
    (func $digits (param $n i32) (result i32) (local $count i32)
        (loop $again
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br_if $again (local.tee $n (i32.div_u (local.get $n) (i32.const 10)))))
        (local.get $count))
    (func $through_host (param $n i32) (result i32)
        (call $add (call_indirect (param i32) (result i32) (local.get $n) (i32.const 0))
            (call $digits (local.get $n))))
    (func $at (param $address i32) (result i32) (i32.load (local.get $address)))
    (func $never (result i32) (unreachable))
    (func $checked (param $n i32) (result i32)
        (if (i32.eq (local.get $n) (i32.const 13)) (then (return (call $never))))
        (i32.add (call $at (local.get $n)) (local.get $n)))
    (func (export "sum") (param $count i32) (result i32) (local $i i32) (local $sum i32)
        (loop $again
            (local.get $sum)
            (local.set $sum (i32.add (call $digits (local.get $i))))
            (local.set $sum (i32.add (call $through_host (local.get $i)) (local.get $sum)))
            (local.set $sum (i32.xor (local.get $sum) (call $checked (i32.shl (local.get $i)
                (i32.const 2)))))
            (local.set $i (i32.add (local.get $i) (i32.const 7)))
            (br_if $again (i32.lt_u (local.get $i) (local.get $count))))
        (local.get $sum))
    (func (export "read") (param $address i32) (result i32)
        (i32.add (i32.const 1) (call $checked (local.get $address))))))";

/// As deep as it is told, in a function that becomes part of itself.
constexpr const char* kDeep = R"((module
    (func $down (export "down") (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
        (i32.add (call $down (i32.sub (local.get $n) (i32.const 1))) (i32.const 2)))))";

}  // namespace

TEST_CASE("inlined calls leave the same on the stack in both tiers", "[exec][compiled]") {
    Twins twins{std::string(kNested)};
    if (twins.tier == nullptr) return;

    for (const std::uint64_t every : {1U, 2U, 7U, 1000U}) {
        REQUIRE(twins.call_in_step("fib", {12}, every).front() == 144);
        REQUIRE(twins.call_in_step("even", {25}, every).size() == 2);
        REQUIRE(twins.call_in_step("sum", {300}, every).size() == 1);
    }
    REQUIRE(twins.tier->counts().size() == 1);
}

TEST_CASE("a trap in an inlined call has the same backtrace in both tiers", "[exec][compiled]") {
    Twins twins{std::string(kNested)};
    if (twins.tier == nullptr) return;

    for (const std::uint64_t address : {13U, 65533U, 65536U}) {
        const vm::Trapped expected = twins.interpreted.trap_of("read", {address});
        const vm::Trapped trapped = twins.compiled.trap_of("read", {address});
        REQUIRE(trapped.trap == expected.trap);
        REQUIRE(offsets_of(trapped) == offsets_of(expected));
        REQUIRE(offsets_of(trapped).size() == 3);
    }
}

TEST_CASE("an inlined recursion ends at the same depth in both tiers", "[exec][compiled]") {
    Twins twins(std::string(kDeep), {.stack_bytes_max = 1U << 20U});
    if (twins.tier == nullptr) return;

    std::uint64_t fits = 0;
    for (std::uint64_t more = 1U << 17U; more != 0; more /= 2) {
        twins.interpreted.start("down", {fits + more});
        if (std::holds_alternative<vm::Finished>(twins.interpreted.machine().run())) fits += more;
    }
    REQUIRE(fits > 1000);
    for (std::uint64_t depth = fits - 8; depth <= fits; ++depth)
        REQUIRE(twins.compiled.value_of("down", {depth}) == 2 * depth + 1);
    for (std::uint64_t depth = fits + 1; depth < fits + 8; ++depth) {
        const vm::Trapped expected = twins.interpreted.trap_of("down", {depth});
        const vm::Trapped trapped = twins.compiled.trap_of("down", {depth});
        REQUIRE(trapped.trap == vm::Trap::stack_exhausted);
        REQUIRE(offsets_of(trapped) == offsets_of(expected));
    }
}

}  // namespace sojourn::tests
