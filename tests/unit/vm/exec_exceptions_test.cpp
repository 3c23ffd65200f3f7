#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"
#include "vm/checkpoint/machine_state.hpp"

namespace sojourn::tests {

namespace {

ByteVector module() {
    return assemble_file("exec_exceptions.wat");
}

/// The state of a machine that stands at a loop head and holds an exception.
vm::MachineState state_of_holder(MachineFixture& fixture) {
    fixture.start("hold", {42});
    fixture.machine().pause_every(2);
    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
    REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
    return vm::decode_machine_state(fixture.machine().capture()).value();
}

}  // namespace

TEST_CASE("an exception that is held survives a rebirth at every safepoint", "[vm][exec]") {
    MachineFixture fixture(module());
    fixture.start("hold", {42});

    const auto [stop, rebirths] = fixture.run_reincarnated();

    REQUIRE(std::get<vm::Finished>(stop).results == std::vector<std::uint64_t>{42});
    REQUIRE(rebirths > 3);
}

TEST_CASE("exceptions that nobody refers to any more are dropped", "[vm][exec]") {
    constexpr std::uint64_t kCount = 50'000;
    constexpr std::size_t kStateBytesMax = 128U << 10U;
    MachineFixture fixture(module());

    REQUIRE(fixture.value_of("hold_many", {kCount}) == kCount * (kCount + 1) / 2);

    REQUIRE(fixture.machine().capture().size() < kStateBytesMax);
}

TEST_CASE("an exception that nobody catches ends the call where it was thrown", "[vm][exec]") {
    MachineFixture fixture(module());

    const vm::Trapped trapped = fixture.trap_of("lose", {7});

    REQUIRE(trapped.trap == vm::Trap::uncaught_exception);
    REQUIRE(trapped.backtrace.front().function_name == "throw");
    REQUIRE(trapped.backtrace.size() == 2);
    REQUIRE(fixture.value_of("hold", {8}) == 8);
}

TEST_CASE("an exception of a checkpoint fits its tag", "[vm][checkpoint]") {
    MachineFixture fixture(module());
    const auto state = state_of_holder(fixture);
    REQUIRE(state.exceptions.size() == 1);
    const auto refusal_of = [&](const auto& change) {
        auto changed = state;
        change(changed.exceptions);
        const auto restored = fixture.restore_from(vm::encode(changed));
        return restored.ok() ? ErrorCode::io : restored.error().code;
    };
    using Exceptions = std::vector<vm::ExceptionState>;

    CHECK(refusal_of([](Exceptions& all) { all[0].values.push_back(0); }) == ErrorCode::corrupt);
    CHECK(refusal_of([](Exceptions& all) { all[0].tag_index = 1; }) == ErrorCode::corrupt);
    CHECK(refusal_of([](Exceptions& all) { all[0].instance = 1; }) == ErrorCode::corrupt);
    CHECK(refusal_of([](Exceptions& all) { all.push_back(all[0]); }) == ErrorCode::corrupt);
    CHECK(refusal_of([](Exceptions&) {}) == ErrorCode::io);
}

TEST_CASE("what rethrows without an exception traps", "[vm][checkpoint]") {
    MachineFixture fixture(module());
    auto state = state_of_holder(fixture);
    state.exceptions.clear();

    REQUIRE(fixture.restore_from(vm::encode(state)).ok());
    fixture.machine().pause_every(0);
    const vm::Stop stop = fixture.machine().run();

    REQUIRE(std::get<vm::Trapped>(stop).trap == vm::Trap::null_exception_reference);
}

}  // namespace sojourn::tests
