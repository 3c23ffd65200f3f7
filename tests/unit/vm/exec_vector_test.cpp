#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;

namespace {

using Slots = std::vector<std::uint64_t>;

MachineFixture vectors() {
    return MachineFixture(assemble_file("exec_vector.wat"));
}

}  // namespace

TEST_CASE("a machine with vectors reborn at every safepoint computes the same",
          "[vm][exec][checkpoint]") {
    auto whole = vectors();
    const auto expected = whole.value_of("everything", {9, 1000, 2000});
    auto reborn = vectors();
    reborn.start("everything", {9, 1000, 2000});

    const auto [stop, times] = reborn.run_reincarnated();

    CHECK(std::get<vm::Finished>(stop).results == Slots{expected});
    CHECK(reborn.host.notes == whole.host.notes);
    CHECK(times == whole.machine().stats().safepoints);
    CHECK(times > 30);
}

TEST_CASE("vectors wait in the frames of a recursion", "[vm][exec][checkpoint]") {
    auto fixture = vectors();
    fixture.start("nested", {3, 0x0000'0001'0000'0000, 0});

    const auto [stop, times] = fixture.run_reincarnated();

    // Each call adds what it was given: 0, 1, 2 and 3 times the increment above the start.
    CHECK(std::get<vm::Finished>(stop).results == Slots{(0x10ULL << 32U) + 6, (24ULL << 32U) + 18});
    CHECK(times == 3);
}

TEST_CASE("a branch carries vectors and numbers to where they belong", "[vm][exec]") {
    auto fixture = vectors();

    CHECK(fixture.call("carry", {0, 3, 4}) == Slots{3, 4, 43});
    CHECK(fixture.call("carry", {1, 3, 4}) == Slots{3, 4, 42});
    CHECK(fixture.call("carry_if", {1, 3, 4}) == Slots{3, 4, 42});
    CHECK(fixture.call("carry_if", {0, 3, 4}) == Slots{8, 9, 10});
}

TEST_CASE("blocks take and give vectors", "[vm][exec]") {
    auto fixture = vectors();

    CHECK(fixture.call("blocks", {1, 0, 0}) == Slots{1, 0x1'0000'0001, 0x1'0000'0001});
    CHECK(fixture.call("blocks", {0, 5, 6}) == Slots{2, 5, 6});
}

TEST_CASE("select and drop know how wide a value is", "[vm][exec]") {
    auto fixture = vectors();

    CHECK(fixture.call("choose", {1, 2, 3, 4, 1}) == Slots{1, 2});
    CHECK(fixture.call("choose", {1, 2, 3, 4, 0}) == Slots{3, 4});
    CHECK(fixture.call("dropped", {1, 2, 77}) == Slots{77});
}

TEST_CASE("an operand keeps the vector that a local had", "[vm][exec]") {
    auto fixture = vectors();

    CHECK(fixture.call("old_value", {10, 20, 3, 5}) == Slots{7, 15});
}

TEST_CASE("single lanes go to memory and come back", "[vm][exec]") {
    auto fixture = vectors();

    CHECK(fixture.call("store_lane", {64, 8, 0x1122'3344'5566'7788, 0x99aa'bbcc'ddee'ff00}) ==
          Slots{0x0099'1122});
    CHECK(fixture.call("load_lane", {72, 1, 2}) == Slots{1, 0x0099'1122});
    CHECK(fixture.call("load_zero", {72}) == Slots{0x0099'1122, 0});
    CHECK(fixture.trap_of("load_lane", {65533, 1, 2}).trap == vm::Trap::out_of_bounds_memory);
}

TEST_CASE("global vectors survive and are read as two slots", "[vm][exec][checkpoint]") {
    auto fixture = vectors();
    fixture.call("copy_global");

    fixture.reincarnate();

    const vm::Module& module = fixture.machine().module_of(vm::InstanceIndex{0});
    const auto index =
        static_cast<std::uint32_t>(module.find_export("copied") - module.exports.data());
    CHECK(fixture.machine().read_global({vm::InstanceIndex{0}, index}) == Slots{0x1111, 0x2222});
}
