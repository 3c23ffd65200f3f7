#include <catch2/catch.hpp>

#include "tests/support/module_builder.hpp"
#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using vm::Trap;

namespace {

constexpr std::uint64_t kRefused = UINT64_MAX;
constexpr std::uint64_t kPage = 65'536;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
constexpr std::uint64_t kPagesMax = 8 * kGiB / kPage;  ///< what the module declares

/// A machine whose memory has grown to its 8 GiB.
MachineFixture grown() {
    MachineFixture fixture(assemble_file("exec_memory64.wat"));
    REQUIRE(fixture.value_of("grow", {kPagesMax - 1}) == 1);
    return fixture;
}

/// A module with 8 GiB of memory whose `access` (i64 i32) -> i32 stores a byte at its first
/// argument
/// + `offset` and loads it again. wat2wasm knows no such offsets.
ByteVector with_offset(std::uint64_t offset) {
    using namespace sojourn::test;
    const Raw place = join({{0x00}, leb(offset)});
    ModuleBuilder builder;
    builder.function_type({kI64, kI32}, {kI32}).section(3, {1, 0});
    builder.section(5, join({{1, 0x04}, leb(kPagesMax)}));
    builder.section(7, join({{1}, sized(text("access")), {0, 0}}));
    builder.code({join({{0, 0x20, 0, 0x20, 1, 0x3a}, place, {0x20, 0, 0x2d}, place, {0x0b}})});
    return to_bytes(builder.raw());
}

std::string memory_of(const std::string& limits) {
    return "(module (memory (export \"memory\") i64 " + limits + ")" +
           "(func (export \"grow\") (param i64) (result i64) (memory.grow (local.get 0))))";
}

}  // namespace

TEST_CASE("a 64-bit memory is read and written beyond 4 GiB", "[vm][exec][memory64]") {
    MachineFixture fixture = grown();

    fixture.call("store64", {8 * kGiB - 8, 0x1122'3344'5566'7788});
    CHECK(fixture.value_of("load64", {8 * kGiB - 16}) == 0x1122'3344'5566'7788);
    CHECK(fixture.value_of("load8", {8 * kGiB - 1}) == 0x11);
    fixture.call("store64", {4 * kGiB + 16, 7});
    CHECK(fixture.value_of("load_fixed_far") == 7);
    CHECK(fixture.value_of("load8", {16}) == 1);
    CHECK(fixture.value_of("load_fixed") == 0xfe);
}

TEST_CASE("no sum of address, offset and width reaches around the end of the addresses",
          "[vm][exec][memory64]") {
    MachineFixture fixture = grown();
    const auto traps = [&](const std::string& function, std::vector<std::uint64_t> arguments) {
        return fixture.trap_of(function, arguments).trap == Trap::out_of_bounds_memory;
    };

    CHECK(traps("load8", {8 * kGiB}));
    CHECK(traps("load64", {8 * kGiB - 15}));
    CHECK(traps("load8", {UINT64_MAX}));
    CHECK(traps("load64", {UINT64_MAX - 7}));
    CHECK(traps("load64", {UINT64_MAX - 8}));
    CHECK(traps("load64", {INT64_MAX}));
    CHECK(traps("store64", {UINT64_MAX - 7, 1}));
    CHECK(traps("load_fixed_outside", {}));
    CHECK(fixture.value_of("load64", {8 * kGiB - 16}) == 0);
}

TEST_CASE("an offset may be as far as an address", "[vm][exec][memory64]") {
    MachineFixture far(with_offset(4 * kGiB));
    CHECK(far.value_of("access", {16, 7}) == 7);
    CHECK(far.value_of("access", {4 * kGiB - 1, 8}) == 8);
    CHECK(far.trap_of("access", {4 * kGiB, 9}).trap == Trap::out_of_bounds_memory);
    CHECK(far.trap_of("access", {0 - 4 * kGiB, 9}).trap == Trap::out_of_bounds_memory);

    MachineFixture farthest(with_offset(UINT64_MAX));
    CHECK(farthest.trap_of("access", {0, 9}).trap == Trap::out_of_bounds_memory);
    CHECK(farthest.trap_of("access", {17, 9}).trap == Trap::out_of_bounds_memory);
}

TEST_CASE("a 64-bit address that is a sum wraps before its offset is added",
          "[vm][exec][memory64]") {
    MachineFixture fixture = grown();

    CHECK(fixture.value_of("load_indexed", {10, 6}) == 3);
    CHECK(fixture.value_of("load_indexed", {UINT64_MAX, 17}) == 3);
    CHECK(fixture.trap_of("load_indexed", {UINT64_MAX, 0}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.trap_of("load_indexed", {UINT32_MAX, 8 * kGiB}).trap ==
          Trap::out_of_bounds_memory);
    CHECK(fixture.value_of("store_indexed", {4 * kGiB, 20, 0x1234'5678}) == 0x1234'5678);
    CHECK(fixture.value_of("load8", {24}) == 0);
}

TEST_CASE("a 64-bit memory grows to its declared limit and no further", "[vm][exec][memory64]") {
    MachineFixture fixture = grown();

    CHECK(fixture.value_of("size") == kPagesMax);
    CHECK(fixture.value_of("grow", {0}) == kPagesMax);
    CHECK(fixture.value_of("grow", {1}) == kRefused);
    CHECK(fixture.value_of("grow", {UINT64_MAX}) == kRefused);
    CHECK(fixture.value_of("grow", {UINT64_MAX - kPagesMax + 1}) == kRefused);
    CHECK(fixture.value_of("size") == kPagesMax);
}

TEST_CASE("a 64-bit memory that declares more than this build keeps stops at what it keeps",
          "[vm][exec][memory64]") {
    for (const std::string limits : {"0", "0 0x1000000000000"}) {
        MachineFixture fixture(assemble(memory_of(limits)));

        CHECK(fixture.value_of("grow", {vm::kMemory64PagesMax + 1}) == kRefused);
        CHECK(fixture.value_of("grow", {vm::kMemory64PagesMax}) == 0);
        CHECK(fixture.value_of("grow", {1}) == kRefused);
    }
}

TEST_CASE("a 64-bit memory of no pages stays one", "[vm][exec][memory64]") {
    MachineFixture fixture(assemble(memory_of("0 0")));

    CHECK(fixture.value_of("grow", {0}) == 0);
    CHECK(fixture.value_of("grow", {1}) == kRefused);
}

TEST_CASE("bulk instructions take 64-bit ranges and write all or nothing", "[vm][exec][memory64]") {
    MachineFixture fixture = grown();
    const std::uint64_t high = 6 * kGiB;

    fixture.call("fill", {high, 0x1ff, 4});
    fixture.call("copy", {high + 2, 16, 4});
    CHECK(fixture.value_of("load64", {high - 8}) == 0xfe03'0201'ffff);
    fixture.call("init", {high + 100, 1, 3});
    CHECK(fixture.value_of("load64", {high + 92}) == 0x64'6362);

    const std::uint64_t end = 8 * kGiB;
    CHECK(fixture.trap_of("fill", {end - 2, 9, 3}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.trap_of("fill", {end - 2, 9, UINT64_MAX}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.value_of("load8", {end - 2}) == 0);
    CHECK(fixture.trap_of("copy", {UINT64_MAX, 0, 2}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.trap_of("copy", {0, UINT64_MAX - 1, 3}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.trap_of("init", {end - 1, 0, 2}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.trap_of("init", {UINT64_MAX, 0, 1}).trap == Trap::out_of_bounds_memory);
}

TEST_CASE("an active segment beyond a 64-bit memory traps and writes nothing",
          "[vm][exec][memory64]") {
    MachineFixture fixture;

    const auto added = fixture.try_add(
        assemble("(module (memory i64 1) (data (i64.const 0xffffffffffffffff) \"ab\"))"), "");

    CHECK(std::get<Trap>(added) == Trap::out_of_bounds_memory);
}

TEST_CASE("a 64-bit memory is not imported as a 32-bit one, nor the other way round",
          "[vm][exec][memory64]") {
    MachineFixture fixture;
    fixture.add(assemble("(module (memory (export \"m\") i64 1 2))"), "wide");
    fixture.add(assemble("(module (memory (export \"m\") 1 2))"), "narrow");
    const auto import_of = [&](const std::string& module, const std::string& type) {
        return fixture.instantiate(
            assemble("(module (memory (import \"" + module + "\" \"m\") " + type + " 1 2))"));
    };

    CHECK(import_of("wide", "i64").ok());
    CHECK(import_of("narrow", "").ok());
    CHECK(import_of("wide", "").error().code == ErrorCode::unlinkable_module);
    CHECK(import_of("narrow", "i64").error().code == ErrorCode::unlinkable_module);
}

TEST_CASE("a walk over an 8 GiB memory goes on after a reincarnation at every safepoint",
          "[vm][exec][memory64][checkpoint]") {
    MachineFixture fixture = grown();
    constexpr std::uint64_t kCount = 16;

    fixture.start("walk", {8 * kGiB / kCount, kCount});
    const auto [stop, times] = fixture.run_reincarnated();

    CHECK(std::get<vm::Finished>(stop).results == std::vector<std::uint64_t>{120});
    CHECK(times >= 2 * kCount);
    CHECK(fixture.value_of("size") == kPagesMax);
    CHECK(fixture.value_of("load64", {8 * kGiB - 8 * kGiB / kCount - 8}) == kCount - 1);
}
