#include <catch2/catch.hpp>

#include "tests/support/module_builder.hpp"
#include "tests/unit/vm/exec_fixture.hpp"
#include "vm/checkpoint/machine_state.hpp"

namespace sojourn::tests {

namespace {

ByteVector module() {
    return assemble_file("exec_exceptions.wat");
}

/// What the assembler of the other tests has no text for: references to exceptions. "hold" makes
/// five exceptions and keeps one each in a table, a global, a local, an operand and another
/// exception, makes as many more as its argument says, and then adds up what the five carry. "pile"
/// makes as many as its argument says, each of which holds the one before.
ByteVector holder_of_references() {
    using test::join;
    using test::Raw;
    const Raw types = join({
        {8},
        {0x60, 1, 0x7f, 0},        // 0: (i32), an exception's
        {0x60, 1, 0x7f, 1, 0x69},  // 1: (i32) -> (exnref)
        {0x60, 1, 0x69, 1, 0x7f},  // 2: (exnref) -> (i32)
        {0x60, 0, 2, 0x7f, 0x69},  // 3: () -> (i32 exnref), a block's
        {0x60, 1, 0x69, 0},        // 4: (exnref), an exception's
        {0x60, 0, 2, 0x69, 0x69},  // 5: () -> (exnref exnref), a block's
        {0x60, 1, 0x69, 1, 0x69},  // 6: (exnref) -> (exnref)
        {0x60, 1, 0x7f, 1, 0x7f},  // 7: (i32) -> (i32)
    });
    const Raw make = join({
        {1, 1, 0x69},                    // a local for the exception
        {0x02, 3},                       // block
        {0x1f, 0x40, 1, 0x01, 0, 0},     //   try_table (catch_ref 0 0)
        {0x20, 0, 0x08, 0},              //     throw 0
        {0x0b, 0x00, 0x0b},              //   unreachable
        {0x21, 1, 0x1a, 0x20, 1, 0x0b},  // drop the value
    });
    const Raw wrap = join({
        {1, 1, 0x69},                    // a local for the exception
        {0x02, 5},                       // block
        {0x1f, 0x40, 1, 0x01, 1, 0},     //   try_table (catch_ref 1 0)
        {0x20, 0, 0x10, 0, 0x08, 1},     //     throw 1 of what make gives
        {0x0b, 0x00, 0x0b},              //   unreachable
        {0x21, 1, 0x1a, 0x20, 1, 0x0b},  // drop the value
    });
    const Raw unwrap = join({
        {0},
        {0x02, 0x69},                 // block (result exnref)
        {0x1f, 0x40, 1, 0x00, 1, 0},  //   try_table (catch 1 0)
        {0x20, 0, 0x0a},              //     throw_ref
        {0x0b, 0x00, 0x0b, 0x0b},     //   unreachable
    });
    const Raw value = join({
        {0},
        {0x02, 0x7f},                 // block (result i32)
        {0x1f, 0x40, 1, 0x00, 0, 0},  //   try_table (catch 0 0)
        {0x20, 0, 0x0a},              //     throw_ref
        {0x0b, 0x00, 0x0b, 0x0b},     //   unreachable
    });
    const Raw hold = join({
        {2, 1, 0x69, 1, 0x69},                 // locals: the exception, the one around another
        {0x41, 0, 0x41, 1, 0x10, 0, 0x26, 0},  // table.set 0
        {0x41, 2, 0x10, 0, 0x24, 0},           // global.set 0
        {0x41, 4, 0x10, 0, 0x21, 1},           // local.set 1
        {0x41, 8, 0x10, 0},                    // on the operand stack
        {0x41, 16, 0x10, 1, 0x21, 2},          // local.set 2
        {0x03, 0x40},                          // loop
        {0x41, 32, 0x10, 0, 0x1a},             //   one that nobody keeps
        {0x20, 0, 0x41, 1, 0x6b, 0x22, 0},     //   one turn less
        {0x0d, 0, 0x0b},                       //   br_if
        {0x10, 3},                             // value of the operand
        {0x20, 1, 0x10, 3, 0x6a},              // ... of the local
        {0x23, 0, 0x10, 3, 0x6a},              // ... of the global
        {0x41, 0, 0x25, 0, 0x10, 3, 0x6a},     // ... of the table's element
        {0x20, 2, 0x10, 2, 0x10, 3, 0x6a},     // ... of what the other one carries
        {0x0b},
    });
    const Raw pile = join({
        {1, 1, 0x69},                       // a local for the one on top
        {0x03, 0x40},                       // loop
        {0x02, 5},                          //   block
        {0x1f, 0x40, 1, 0x01, 1, 0},        //     try_table (catch_ref 1 0)
        {0x20, 1, 0x08, 1},                 //       throw 1 of the one on top
        {0x0b, 0x00, 0x0b},                 //     unreachable
        {0x21, 1, 0x1a},                    //   which is on top from now on
        {0x20, 0, 0x41, 1, 0x6b, 0x22, 0},  //   one turn less
        {0x0d, 0, 0x0b},                    //   br_if
        {0x41, 1, 0x0b},
    });
    test::ModuleBuilder builder;
    builder.section(1, types)
        .section(3, {6, 1, 1, 6, 2, 7, 7})
        .section(4, {1, 0x69, 0, 1})   // a table of one exnref
        .section(13, {2, 0, 0, 0, 4})  // the tags 0 and 1
        .section(6, {1, 0x69, 1, 0xd0, 0x69, 0x0b})
        .section(7, join({{2},
                          test::sized(test::text("hold")),
                          {0, 4},
                          test::sized(test::text("pile")),
                          {0, 5}}))
        .code({make, wrap, unwrap, value, hold, pile});
    return test::to_bytes(builder.raw());
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

TEST_CASE("exceptions survive a rebirth wherever they are referred to", "[vm][exec]") {
    constexpr std::uint64_t kSumOfAll = 1 + 2 + 4 + 8 + 16;
    MachineFixture fixture(holder_of_references());
    fixture.start("hold", {2});

    const auto [stop, rebirths] = fixture.run_reincarnated();

    REQUIRE(std::get<vm::Finished>(stop).results == std::vector<std::uint64_t>{kSumOfAll});
    REQUIRE(rebirths > 10);
}

TEST_CASE("exceptions that are referred to outlive a collection", "[vm][exec]") {
    constexpr std::uint64_t kSumOfAll = 1 + 2 + 4 + 8 + 16;
    constexpr std::uint64_t kTurns = 20'000;
    constexpr std::size_t kStateBytesMax = 128U << 10U;
    MachineFixture fixture(holder_of_references());

    REQUIRE(fixture.value_of("hold", {kTurns}) == kSumOfAll);

    REQUIRE(fixture.machine().capture().size() < kStateBytesMax);
}

TEST_CASE("a state of the version without exceptions is read", "[vm][checkpoint]") {
    constexpr std::size_t kVersionAt = 8;
    constexpr std::size_t kCountBytes = 4;
    MachineFixture fixture(module());
    ByteVector state = fixture.machine().capture();
    state[kVersionAt] = std::byte{2};
    state.resize(state.size() - kCountBytes);

    REQUIRE(fixture.restore_from(state).ok());

    REQUIRE(fixture.value_of("hold", {8}) == 8);
}

TEST_CASE("exceptions that nobody refers to any more are dropped", "[vm][exec]") {
    constexpr std::uint64_t kCount = 50'000;
    constexpr std::size_t kStateBytesMax = 128U << 10U;
    MachineFixture fixture(module());

    REQUIRE(fixture.value_of("hold_many", {kCount}) == kCount * (kCount + 1) / 2);

    REQUIRE(fixture.machine().capture().size() < kStateBytesMax);
}

TEST_CASE("a guest that piles up exceptions is ended", "[vm][exec][limits]") {
    MachineFixture fixture(holder_of_references());

    CHECK(fixture.value_of("pile", {300'000}) == 1);
    CHECK(fixture.trap_of("pile", {400'000}).trap == vm::Trap::exceptions_exhausted);
    CHECK(fixture.value_of("hold", {1}) == 31);
}

TEST_CASE("an exception that nobody catches ends the call where it was thrown", "[vm][exec]") {
    MachineFixture fixture(module());

    const vm::Trapped trapped = fixture.trap_of("lose", {7});

    REQUIRE(trapped.trap == vm::Trap::uncaught_exception);
    REQUIRE(trapped.detail == "tag 0");
    REQUIRE(trapped.backtrace.front().function_name == "throw");
    REQUIRE(trapped.backtrace.size() == 2);
    REQUIRE(fixture.value_of("hold", {8}) == 8);
}

TEST_CASE("an exception that would pass handlers for minutes ends the call", "[vm][exec][limits]") {
    constexpr std::uint64_t kClauses = 50'000;
    constexpr std::uint64_t kCalls = 45'000;
    using test::join;
    using test::Raw;
    Raw handlers = join({{0, 0x1f, 0x40}, test::leb(kClauses)});
    for (std::uint64_t i = 0; i < kClauses; ++i)
        handlers.insert(handlers.end(), {0x02, 0});  // catch_all 0
    test::ModuleBuilder builder;
    builder.function_type({test::kI32}, {})
        .section(3, {1, 0})
        .section(13, {1, 0, 0})
        .section(7, join({{1}, test::sized(test::text("sink")), {0, 0}}))
        .code({join({handlers,
                     {0x0b},                          // that was a try_table around nothing
                     {0x20, 0, 0x45, 0x04, 0x40},     // if the argument is zero:
                     {0x20, 0, 0x08, 0, 0x0b},        //   throw 0
                     {0x20, 0, 0x41, 1, 0x6b, 0x10},  // else one call less
                     {0, 0x0b}})});
    MachineFixture fixture(test::to_bytes(builder.raw()));

    CHECK(fixture.trap_of("sink", {1000}).trap == vm::Trap::uncaught_exception);
    CHECK(fixture.trap_of("sink", {kCalls}).trap == vm::Trap::handlers_exhausted);
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
