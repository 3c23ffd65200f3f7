#include <bit>

#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using Values = std::vector<std::uint64_t>;

namespace {

constexpr std::uint64_t i32(std::int32_t value) {
    return static_cast<std::uint32_t>(value);
}
constexpr std::uint64_t i64(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}
constexpr std::uint64_t f64(double value) {
    return std::bit_cast<std::uint64_t>(value);
}

}  // namespace

TEST_CASE("loops and branches go where they say", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));

    CHECK(fixture.value_of("sum_to", {100}) == 5050);
    CHECK(fixture.value_of("sum_to", {0}) == 0);
    CHECK(fixture.value_of("classify", {0}) == 100);
    CHECK(fixture.value_of("classify", {2}) == 102);
    CHECK(fixture.value_of("classify", {3}) == 103);
    CHECK(fixture.value_of("classify", {i32(-1)}) == 103);
    CHECK(fixture.value_of("constant_condition") == 3);
}

TEST_CASE("a branch carries values past those it leaves behind", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));

    CHECK(fixture.value_of("table_with_value", {0}) == 3);
    CHECK(fixture.value_of("table_with_value", {1}) == 7);
    CHECK(fixture.call("carry_two", {3, 4}) == Values{3, 7});
    CHECK(fixture.call("carry_two_if", {3, 4}) == Values{3, 7});
    CHECK(fixture.call("carry_two_if", {3, 0}) == Values{i32(-1), i32(-2)});
}

TEST_CASE("blocks take parameters", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));

    CHECK(fixture.value_of("loop_parameters", {10}) == 55);
    CHECK(fixture.value_of("if_parameters", {1, 5}) == 15);
    CHECK(fixture.value_of("if_parameters", {0, 5}) == i32(-5));
}

TEST_CASE("an operand keeps the value its local had when it was read", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));

    CHECK(fixture.value_of("old_value", {9}) == 4);
    CHECK(fixture.value_of("old_value_in_block", {9, 0}) == 4);
    CHECK(fixture.value_of("old_value_in_block", {9, 1}) == 0);
    CHECK(fixture.value_of("swap_locals", {3, 10}) == 7);
    CHECK(fixture.value_of("tee_twice", {4}) == 30);
    CHECK(fixture.value_of("below_loop", {7}) == 7);
}

TEST_CASE("a comparison that a branch swallows is still there for others", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));

    CHECK(fixture.value_of("tee_of_comparison", {1, 2}) == 1);
    CHECK(fixture.value_of("tee_of_comparison", {2, 1}) == 10);
    CHECK(fixture.value_of("zero_test_of_local", {1, 2}) == 1);
    CHECK(fixture.value_of("zero_test_of_local", {2, 1}) == 20);
}

TEST_CASE("a branch tests bits", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));

    CHECK(fixture.value_of("bit_test", {6, 0}) == 1);
    CHECK(fixture.value_of("bit_test", {2, 1}) == 2);
    CHECK(fixture.value_of("bit_test", {3, 1}) == 3);
}

TEST_CASE("moves in a row happen one after the other", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));

    CHECK(fixture.call("rotate", {1, 2, 3}) == Values{2, 3, 1});
}

TEST_CASE("fused comparisons agree with the plain ones", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));
    const auto nan = f64(std::numeric_limits<double>::quiet_NaN());

    CHECK(fixture.value_of("negated_float", {f64(1), f64(2)}) == 0);
    CHECK(fixture.value_of("negated_float", {f64(2), f64(1)}) == 1);
    CHECK(fixture.value_of("negated_float", {nan, f64(1)}) == 1);
    CHECK(fixture.value_of("wide_comparison", {0x1234'5678'9abc'def0}) == 0);
    CHECK(fixture.value_of("wide_comparison", {0x1234'5678'9abc'def1}) == 1);
    CHECK(fixture.value_of("negative_constant", {i64(-6)}) == 1);
    CHECK(fixture.value_of("negative_constant", {i64(-5)}) == 0);
}

TEST_CASE("code that cannot be reached is left out", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));

    CHECK(fixture.value_of("dead_code", {6}) == 6);
    CHECK(fixture.value_of("dead_arms", {0}) == 2);
    CHECK(fixture.value_of("dead_arms", {1}) == 1);
    CHECK(fixture.value_of("endless_in_one_arm", {0}) == 9);
    CHECK(fixture.trap_of("endless_in_one_arm", {1}).trap == vm::Trap::unreachable);
}

TEST_CASE("constants stand for operands anywhere", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_control.wat"));

    CHECK(fixture.value_of("choose", {1, 5, 6}) == 5);
    CHECK(fixture.value_of("choose", {0, 5, 6}) == 6);
    CHECK(fixture.value_of("choose_constants", {0}) == f64(-0.5));
    CHECK(fixture.value_of("constants_left", {7}) == 90);
}
