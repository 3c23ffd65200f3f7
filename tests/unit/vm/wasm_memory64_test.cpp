#include <catch2/catch.hpp>

#include "tests/support/module_builder.hpp"

using namespace sojourn;
using namespace sojourn::test;
using Catch::Matchers::StartsWith;

namespace {

constexpr std::uint8_t kWide = 0x04;
constexpr std::uint8_t kWideWithMax = 0x05;

/// A module with a memory of these limits and this body.
ModuleBuilder with_memory(const Raw& limits, const Raw& body = {}) {
    ModuleBuilder builder;
    builder.function_type({}, {}).section(3, {1, 0}).section(5, join({{1}, limits}));
    builder.code({join({{0}, body, {0x0b}})});
    return builder;
}

std::string refusal(const ModuleBuilder& builder, ErrorCode code = ErrorCode::invalid_module) {
    const auto result = load(builder);
    REQUIRE(result.error().code == code);
    return result.error().message;
}

/// i32.load8_u of address 0 of a type, at an offset.
Raw load_at(std::uint8_t constant_opcode, const Raw& offset) {
    return join({{constant_opcode, 0, 0x2d, 0}, offset, {0x1a}});
}

constexpr std::uint8_t kI32Const = 0x41;
constexpr std::uint8_t kI64Const = 0x42;

}  // namespace

TEST_CASE("a memory's flags say what its addresses are", "[wasm][memory64]") {
    const auto wide = (*load(with_memory({kWideWithMax, 1, 2})))->memories[0];
    const auto narrow = (*load(with_memory({0x01, 1, 2})))->memories[0];

    REQUIRE(wide.is_64_bit());
    REQUIRE(wide.limits.max == 2);
    REQUIRE(wide.pages_max() == 2);
    REQUIRE_FALSE(narrow.is_64_bit());
}

TEST_CASE("a 64-bit memory may declare 2^48 pages and grows to what this build keeps",
          "[wasm][memory64]") {
    const std::uint64_t most = vm::kMemory64PagesDeclarable;
    const auto declared = (*load(with_memory(join({{kWideWithMax, 0}, leb(most)}))))->memories[0];

    REQUIRE(declared.limits.max == most);
    REQUIRE(declared.pages_max() == vm::kMemory64PagesMax);
    REQUIRE((*load(with_memory({kWide, 1})))->memories[0].pages_max() == vm::kMemory64PagesMax);
    REQUIRE_THAT(refusal(with_memory(join({{kWideWithMax, 0}, leb(most + 1)}))),
                 StartsWith("memory size must be at most 2^48 pages"));
    REQUIRE_THAT(refusal(with_memory({kWideWithMax, 2, 1})),
                 StartsWith("size minimum must not be greater than maximum"));
    REQUIRE(load(with_memory(join({{kWide}, leb(vm::kMemory64PagesMax + 1)}))).ok());
}

TEST_CASE("a 32-bit memory declares 4 GiB at most, however its limits are written",
          "[wasm][memory64]") {
    REQUIRE(load(with_memory(join({{0x01, 0}, leb(65'536)}))).ok());
    REQUIRE_THAT(refusal(with_memory(join({{0x01, 0}, leb(65'537)}))),
                 StartsWith("memory size must be at most 65536 pages"));
    REQUIRE_THAT(refusal(with_memory(join({{0x00}, leb(std::uint64_t{1} << 32U)}))),
                 StartsWith("memory size must be at most 65536 pages"));
}

TEST_CASE("shared and 64-bit are told apart by their flags", "[wasm][memory64]") {
    REQUIRE_THAT(refusal(with_memory({0x07, 1, 1}), ErrorCode::unsupported), StartsWith("threads"));
    REQUIRE_THAT(refusal(with_memory({0x08, 1}), ErrorCode::malformed_module),
                 StartsWith("malformed limits flags 0x08"));
}

TEST_CASE("an offset has as many bits as the memory's addresses", "[wasm][memory64]") {
    const Raw most_of_32 = leb(UINT32_MAX);
    const Raw beyond_32 = leb(std::uint64_t{1} << 32U);
    const Raw most_of_64 = leb(UINT64_MAX);

    REQUIRE(load(with_memory({0, 1}, load_at(kI32Const, most_of_32))).ok());
    REQUIRE_THAT(refusal(with_memory({0, 1}, load_at(kI32Const, beyond_32))),
                 StartsWith("offset out of range: 4294967296"));
    REQUIRE(load(with_memory({kWide, 1}, load_at(kI64Const, beyond_32))).ok());
    REQUIRE(load(with_memory({kWide, 1}, load_at(kI64Const, most_of_64))).ok());
}

TEST_CASE("the memory's type is that of addresses, sizes and counts of bytes", "[wasm][memory64]") {
    const auto accepts = [](const Raw& body) { return load(with_memory({kWide, 1}, body)).ok(); };
    const Raw none = {0};

    REQUIRE(accepts(load_at(kI64Const, none)));
    REQUIRE_THAT(refusal(with_memory({kWide, 1}, load_at(kI32Const, none))),
                 StartsWith("type mismatch: i32.load8_u wants i64 and finds i32"));
    REQUIRE_THAT(refusal(with_memory({0, 1}, load_at(kI64Const, none))),
                 StartsWith("type mismatch: i32.load8_u wants i32 and finds i64"));
    // store: the address alone
    REQUIRE(accepts({kI64Const, 0, kI32Const, 0, 0x36, 2, 0}));
    REQUIRE_FALSE(accepts({kI64Const, 0, kI64Const, 0, 0x36, 2, 0}));
    // size and grow
    REQUIRE(accepts({0x3f, 0, 0x50, 0x1a}));
    REQUIRE(accepts({kI64Const, 0, 0x40, 0, 0x50, 0x1a}));
    REQUIRE_FALSE(accepts({kI32Const, 0, 0x40, 0, 0x1a}));
    // fill: the value is an i32; copy: all three are i64
    REQUIRE(accepts({kI64Const, 0, kI32Const, 0, kI64Const, 0, 0xfc, 0x0b, 0}));
    REQUIRE_FALSE(accepts({kI64Const, 0, kI64Const, 0, kI64Const, 0, 0xfc, 0x0b, 0}));
    REQUIRE(accepts({kI64Const, 0, kI64Const, 0, kI64Const, 0, 0xfc, 0x0a, 0, 0}));
    REQUIRE_FALSE(accepts({kI64Const, 0, kI64Const, 0, kI32Const, 0, 0xfc, 0x0a, 0, 0}));
}

TEST_CASE("an active data segment's offset has the memory's type", "[wasm][memory64]") {
    const auto with_offset = [](std::uint8_t flags, std::uint8_t constant_opcode) {
        ModuleBuilder builder;
        builder.section(5, {1, flags, 1}).section(11, {1, 0, constant_opcode, 8, 0x0b, 1, 'a'});
        return builder;
    };

    REQUIRE(load(with_offset(kWide, kI64Const)).ok());
    REQUIRE_THAT(refusal(with_offset(kWide, kI32Const)), StartsWith("type mismatch"));
    REQUIRE_THAT(refusal(with_offset(0, kI64Const)), StartsWith("type mismatch"));
}
