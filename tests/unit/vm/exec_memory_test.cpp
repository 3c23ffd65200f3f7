#include <bit>

#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using vm::Trap;

namespace {

constexpr std::uint64_t kRefused = UINT32_MAX;
constexpr std::uint64_t kPage = 65'536;

}  // namespace

TEST_CASE("loads and stores convert and check their address", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    CHECK(fixture.value_of("load8_s", {19}) == 0xffff'fffe);
    CHECK(fixture.value_of("load64", {8}) == 0xfe03'0201);
    CHECK(fixture.value_of("load_fixed") == 0xfe);
    CHECK(fixture.value_of("store_fixed", {0x1'8000'0000}) == 0xffff'ffff'8000'0000);
    CHECK(fixture.value_of("float", {std::bit_cast<std::uint32_t>(1.5F)}) ==
          std::bit_cast<std::uint32_t>(1.75F));
    CHECK(fixture.value_of("load64", {kPage - 16}) == 0);
    CHECK(fixture.trap_of("load64", {kPage - 15}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.trap_of("load_far", {UINT32_MAX}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.trap_of("load_fixed_outside").trap == Trap::out_of_bounds_memory);
    CHECK(fixture.trap_of("store16", {kPage - 1, 0}).trap == Trap::out_of_bounds_memory);
}

TEST_CASE("an address that is a sum wraps before its offset is added", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    CHECK(fixture.value_of("load_indexed", {10, 6}) == 3);
    CHECK(fixture.value_of("load_indexed", {UINT32_MAX, 17}) == 3);
    CHECK(fixture.trap_of("load_indexed", {UINT32_MAX, 0}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.value_of("store_indexed", {100, 20, 0x1234'5678}) == 0x1234'5678);
    CHECK(fixture.value_of("store_constant_indexed", {100, 24}) == 77);
    CHECK(fixture.trap_of("store_indexed", {kPage, UINT32_MAX - 6, 1}).trap ==
          Trap::out_of_bounds_memory);
}

TEST_CASE("an address that is a sum with a constant, or with an index, wraps", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    CHECK(fixture.value_of("load_displaced", {22}) == 3);
    CHECK(fixture.trap_of("load_displaced", {0}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.value_of("store_displaced", {UINT32_MAX - kPage + 101, 0x1234'5678}) ==
          0x1234'5678);
    CHECK(fixture.trap_of("store_displaced", {100, 1}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.value_of("load_scaled", {16, 1}) == 3);
    CHECK(fixture.value_of("load_scaled", {UINT32_MAX, 9}) == 2);
    CHECK(fixture.value_of("load_scaled", {17, 0x8000'0000}) == 2);
    CHECK(fixture.trap_of("load_scaled", {UINT32_MAX, 0}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.value_of("store_scaled", {100, 5, 0x1234'5678}) == 0x1234'5678);
    CHECK(fixture.trap_of("store_scaled", {0, kPage / 4, 1}).trap == Trap::out_of_bounds_memory);
}

TEST_CASE("the host sees the caller's memory", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    CHECK(fixture.value_of("peek", {17}) == 2);
}

TEST_CASE("a memory grows to its declared limit and no further", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    CHECK(fixture.value_of("grow", {2}) == 1);
    CHECK(fixture.value_of("size") == 3);
    CHECK(fixture.value_of("load8_s", {3 * kPage - 1}) == 0);
    CHECK(fixture.value_of("grow", {2}) == kRefused);
    CHECK(fixture.value_of("grow", {kRefused}) == kRefused);
    CHECK(fixture.value_of("size") == 3);
}

TEST_CASE("bulk memory instructions write all or nothing", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    fixture.call("fill", {100, 0x1ff, 4});
    fixture.call("copy", {102, 16, 4});
    CHECK(fixture.value_of("load64", {92}) == 0xfe03'0201'ffff);
    fixture.call("init", {200, 1, 3});
    CHECK(fixture.value_of("load64", {192}) == 0x64'6362);

    CHECK(fixture.trap_of("fill", {kPage - 2, 9, 3}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.value_of("load8_s", {kPage - 2}) == 0);
    CHECK(fixture.trap_of("copy", {0, kPage - 2, 3}).trap == Trap::out_of_bounds_memory);
    CHECK(fixture.trap_of("init", {0, 4, 3}).trap == Trap::out_of_bounds_memory);
    fixture.call("drop_data");
    fixture.call("init", {0, 0, 0});
    CHECK(fixture.trap_of("init", {0, 0, 1}).trap == Trap::out_of_bounds_memory);
}

TEST_CASE("globals keep what is written", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    CHECK(fixture.value_of("bump") == 8);
    CHECK(fixture.value_of("bump") == 9);
    CHECK(fixture.value_of("address") == 16);
    const auto& module = fixture.machine().module_of(vm::InstanceIndex{0});
    const auto index =
        static_cast<std::uint32_t>(module.find_export("count") - module.exports.data());
    CHECK(fixture.machine().read_global({vm::InstanceIndex{0}, index}) ==
          std::vector<std::uint64_t>{9});
}

TEST_CASE("table instructions check their ranges", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    CHECK(fixture.value_of("call", {1}) == 1);
    CHECK(fixture.trap_of("call", {0}).trap == Trap::uninitialized_element);
    fixture.call("table_copy", {0, 1, 1});
    CHECK(fixture.value_of("call", {0}) == 1);
    fixture.call("table_init", {2, 1, 1});
    CHECK(fixture.value_of("call", {2}) == 2);
    CHECK(fixture.value_of("table_grow", {3}) == 4);
    CHECK(fixture.value_of("call", {6}) == 2);
    CHECK(fixture.value_of("table_grow", {2}) == kRefused);
    CHECK(fixture.value_of("table_size") == 7);
    fixture.call("forget", {6});
    CHECK(fixture.value_of("is_null", {6}) == 1);
    fixture.call("table_fill", {6, 1});
    CHECK(fixture.value_of("is_null", {6}) == 0);

    CHECK(fixture.trap_of("table_fill", {6, 2}).trap == Trap::out_of_bounds_table);
    CHECK(fixture.trap_of("table_init", {6, 0, 2}).trap == Trap::out_of_bounds_table);
    CHECK(fixture.trap_of("table_copy", {6, 0, 2}).trap == Trap::out_of_bounds_table);
    CHECK(fixture.trap_of("is_null", {7}).trap == Trap::out_of_bounds_table);
    CHECK(fixture.trap_of("forget", {7}).trap == Trap::out_of_bounds_table);
    fixture.call("drop_elements");
    CHECK(fixture.trap_of("table_init", {0, 0, 1}).trap == Trap::out_of_bounds_table);
}

TEST_CASE("a call through a table calls what the element is by then", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    CHECK(fixture.value_of("call", {1}) == 1);
    CHECK(fixture.value_of("call", {1}) == 1);
    fixture.call("table_fill", {1, 1});
    CHECK(fixture.value_of("call", {1}) == 2);
    fixture.call("forget", {1});
    CHECK(fixture.trap_of("call", {1}).trap == Trap::uninitialized_element);
    fixture.call("table_init", {1, 0, 2});
    CHECK(fixture.value_of("call", {1}) == 1);
    CHECK(fixture.value_of("call", {2}) == 2);
    fixture.call("table_copy", {1, 2, 1});
    CHECK(fixture.value_of("call", {1}) == 2);
    CHECK(fixture.value_of("table_grow", {1}) == 4);
    CHECK(fixture.value_of("call", {4}) == 2);
    CHECK(fixture.trap_of("call", {5}).trap == Trap::undefined_element);

    fixture.reincarnate();

    CHECK(fixture.value_of("call", {1}) == 2);
    CHECK(fixture.value_of("call", {4}) == 2);
    CHECK(fixture.trap_of("call", {0}).trap == Trap::uninitialized_element);
}

TEST_CASE("an external reference comes back as it was given", "[vm][exec]") {
    MachineFixture fixture(assemble_file("exec_memory.wat"));

    CHECK(fixture.value_of("keep", {3, 0xdead'beef'0000'0001}) == 0xdead'beef'0000'0001);
}
