#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using Values = std::vector<std::uint64_t>;

TEST_CASE("functions call themselves and each other", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_calls.wat"));

    CHECK(fixture.value_of("factorial", {20}) == 2'432'902'008'176'640'000);
    CHECK(fixture.value_of("fibonacci", {20}) == 6765);
    CHECK(fixture.value_of("even", {100}) == 1);
    CHECK(fixture.value_of("even", {77}) == 0);
}

TEST_CASE("a call through a table checks index, presence and type", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_calls.wat"));

    CHECK(fixture.value_of("through_table", {0, 21}) == 1042);
    CHECK(fixture.value_of("through_table", {1, 5}) == 1025);
    CHECK(fixture.value_of("host_through_table", {3, 4}) == 7);
    CHECK(fixture.trap_of("through_table", {2, 1}).trap == vm::Trap::indirect_type_mismatch);
    CHECK(fixture.trap_of("through_table", {3, 1}).trap == vm::Trap::indirect_type_mismatch);
    CHECK(fixture.trap_of("through_table", {4, 1}).trap == vm::Trap::undefined_element);
}

TEST_CASE("a function returns several values", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_calls.wat"));

    CHECK(fixture.call("digits", {42}) == Values{4, 2, 1});
}

TEST_CASE("locals that are no parameters begin as zero", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_calls.wat"));

    CHECK(fixture.value_of("fresh_locals") == 0);
}

TEST_CASE("the host sees arguments and gives results", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_calls.wat"));

    CHECK(fixture.value_of("call_host", {3, 4}) == 70);
    CHECK(fixture.host.notes == Values{3, 4});
    CHECK(fixture.call("swap", {1, 2}) == Values{2, 1});
    CHECK(fixture.value_of("host_add", {5, 6}) == 11);
    CHECK(fixture.machine().stats().host_calls == 5);
}

TEST_CASE("the host ends a guest or traps it", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_calls.wat"));

    fixture.start("exit", {17});
    const auto stop = fixture.machine().run();

    CHECK(std::get<vm::Exited>(stop).code == 17);
    CHECK_FALSE(fixture.machine().is_running());
    CHECK(fixture.trap_of("fail").trap == vm::Trap::unreachable);
}

TEST_CASE("a trap tells where it happened, innermost first", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_calls.wat"));

    const auto trapped = fixture.trap_of("deep", {2});

    CHECK(trapped.trap == vm::Trap::divide_by_zero);
    REQUIRE(trapped.backtrace.size() == 3);
    CHECK(trapped.backtrace[0].function_name == "deep");
    CHECK(trapped.backtrace[0].code_offset < trapped.backtrace[1].code_offset);
    CHECK(trapped.backtrace[1].code_offset == trapped.backtrace[2].code_offset);
    CHECK(trapped.frames_left_out == 0);
}

TEST_CASE("a long backtrace keeps both ends", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_calls.wat"));

    const auto trapped = fixture.trap_of("deep", {999});

    CHECK(trapped.backtrace.size() == 2 * vm::kBacktraceEnd);
    CHECK(trapped.frames_left_out == 1000 - 2 * vm::kBacktraceEnd);
    CHECK(trapped.backtrace[0].code_offset != trapped.backtrace[1].code_offset);
}

TEST_CASE("the stack is limited in canonical bytes", "[vm][exec]") {
    constexpr std::uint64_t kStackBytes = 1U << 20U;
    MachineFixture fixture(kStackBytes);
    fixture.add(assemble_file("exec_calls.wat"));

    const auto trapped = fixture.trap_of("endless");

    CHECK(trapped.trap == vm::Trap::stack_exhausted);
    CHECK(trapped.backtrace.size() + trapped.frames_left_out == kStackBytes / 16);
    CHECK(fixture.value_of("fibonacci", {10}) == 55);
}

TEST_CASE("slots count towards the stack's limit", "[vm][exec]") {
    constexpr std::uint64_t kStackBytes = 1U << 20U;
    MachineFixture fixture(kStackBytes);
    fixture.add(assemble_file("exec_calls.wat"));
    // A frame of `depth` has 5 locals and, where it calls, 1 operand below the argument; the last
    // one may have up to 3 operands.
    constexpr std::uint64_t kFrameBytes = 16 + 6 * 8;
    constexpr std::uint64_t kDeepest = (kStackBytes - (16 + 8 * 8)) / kFrameBytes;

    CHECK(fixture.value_of("depth", {kDeepest}) == kDeepest);
    CHECK(fixture.trap_of("depth", {kDeepest + 1}).trap == vm::Trap::stack_exhausted);
}
