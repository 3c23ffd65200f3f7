#include <catch2/catch.hpp>

#include "tests/support/memory_limit.hpp"
#include "tests/support/module_builder.hpp"
#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using test::join;
using test::leb;
using test::ModuleBuilder;
using test::Raw;

namespace {

Raw repeated(const Raw& piece, std::size_t times) {
    Raw result;
    for (std::size_t i = 0; i < times; ++i)
        result.insert(result.end(), piece.begin(), piece.end());
    return result;
}

/// A module of one exported function `f` without parameters and results; type 1 has
/// `results` results.
Raw function_with(const Raw& code, std::size_t results) {
    const Raw types =
        join({{2, 0x60, 0, 0, 0x60, 0}, leb(results), repeated({test::kI32}, results)});
    ModuleBuilder builder;
    builder.section(1, types).section(3, {1, 0}).section(7, {1, 1, 'f', 0, 0});
    builder.code({join({{0}, code, {0x0b}})});
    return builder.raw();
}

/// How `f` ended in a child that may take so much memory once the machine is there.
std::optional<std::string> end_within(std::uint64_t bytes, const Raw& module) {
    return said_by_child([&] {
        MachineFixture fixture{vm::MachineOptions{.fuel = 1000}};
        limit_memory(bytes);
        fixture.add(test::to_bytes(module));
        fixture.start("f");
        const vm::Stop stop = fixture.machine().run();
        const auto* trapped = std::get_if<vm::Trapped>(&stop);
        return std::string(trapped == nullptr ? "finished" : vm::text_of(trapped->trap));
    });
}

constexpr std::uint64_t kBytes = 128U << 20U;
constexpr std::size_t kMany = 100'000;

}  // namespace

TEST_CASE("a branch that carries a thousand values is not a thousand operations",
          "[vm][exec][hostile]") {
    constexpr std::size_t kValues = 1000;
    const Raw value{0x41, 7};
    const Raw drop{0x1a};
    // One value more lies below those that are carried.
    const Raw begin = join({{0x02, 1}, value, repeated(value, kValues)});
    const Raw end = join({{0x0b}, repeated(drop, kValues)});
    const Raw conditional{0x41, 0, 0x0d, 0};
    const Raw table{0x41, 0, 0x0e, 0, 0};

    const auto by_condition = end_within(
        kBytes,
        function_with(join({begin, repeated(conditional, kMany), {0x0c, 0}, end}), kValues));
    const auto by_table = end_within(kBytes, function_with(join({begin, table, end}), kValues));

    REQUIRE(by_condition == "finished");
    REQUIRE(by_table == "finished");
}

TEST_CASE("blocks and handlers a hundred thousand deep are entered and left",
          "[vm][exec][hostile]") {
    const Raw block{0x02, 0x40};
    const Raw handler{0x1f, 0x40, 1, 2, 0};  // try_table with a catch_all
    const Raw end{0x0b};
    const auto nested = [&](const Raw& entry, const Raw& inside) {
        return function_with(join({repeated(entry, kMany), inside, repeated(end, kMany)}), 0);
    };

    REQUIRE(end_within(kBytes, nested(block, {})) == "finished");
    REQUIRE(end_within(kBytes, nested(block, {0x0c, 0xff, 0x0f})) == "finished");
    REQUIRE(end_within(kBytes, nested(handler, {0x00})) == "unreachable");
}
