#include "store/unit_codec.hpp"

#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

constexpr UnitKey kKey{RegionId{3}, UnitIndex{7}};

ByteVector sample(std::size_t size, bool noisy) {
    ByteVector bytes(size);
    std::uint32_t state = 1;
    for (std::size_t index = 0; index < size; ++index) {
        state = state * 1664525U + 1013904223U;
        bytes[index] = noisy ? static_cast<std::byte>(state >> 24) : std::byte(index / 64 % 251);
    }
    return bytes;
}

}  // namespace

TEST_CASE("a unit of any size and content comes back", "[codec]") {
    const std::size_t size = GENERATE(4096U, 16384U, 65536U);
    const auto raw = GENERATE_COPY(ByteVector(size), sample(size, false), sample(size, true));

    const auto unit = encode_unit(kKey, raw);
    ByteVector out(size, std::byte{0xee});

    REQUIRE(unit.key == kKey);
    REQUIRE(unit.value.size() <= kUnitValueBytesMax);
    REQUIRE(decode_unit(kKey, unit.value, out).ok());
    REQUIRE(out == raw);
}

TEST_CASE("zeros cost nine bytes and compressible memory less than itself", "[codec]") {
    REQUIRE(encode_unit(kKey, ByteVector(16384)).value.size() == 9);
    REQUIRE(encode_unit(kKey, sample(16384, false)).value.size() < 16384 / 4);
    REQUIRE(encode_unit(kKey, sample(16384, true)).value.size() == 16384 + 9);
}

TEST_CASE("one byte that is not zero makes a unit that is not zero", "[codec]") {
    const std::size_t position = GENERATE(0U, 1U, 4095U);
    ByteVector raw(4096);
    raw[position] = std::byte{1};

    const auto unit = encode_unit(kKey, raw);
    ByteVector out(4096);

    REQUIRE(decode_unit(kKey, unit.value, out).ok());
    REQUIRE(out == raw);
}

TEST_CASE("a value under another key is noticed and named", "[codec]") {
    const auto unit = encode_unit(kKey, sample(4096, true));
    ByteVector out(4096);

    const auto error = decode_unit({RegionId{3}, UnitIndex{8}}, unit.value, out).error();

    REQUIRE(error.code == ErrorCode::corrupt);
    REQUIRE(error.message.find("unit 8 of region 3") != std::string::npos);
    REQUIRE_FALSE(decode_unit({RegionId{4}, UnitIndex{7}}, unit.value, out).ok());
}

TEST_CASE("a value with any bit changed or its end cut off is refused", "[codec]") {
    const auto raw = GENERATE(ByteVector(4096), sample(4096, false));
    const auto unit = encode_unit(kKey, raw);
    ByteVector out(4096);

    for (std::size_t bit = 0; bit < unit.value.size() * 8; ++bit) {
        ByteVector value = unit.value;
        value[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        REQUIRE(decode_unit(kKey, value, out).error().code == ErrorCode::corrupt);
    }
    for (std::size_t size = 0; size < unit.value.size(); ++size) {
        REQUIRE_FALSE(decode_unit(kKey, Bytes(unit.value).first(size), out).ok());
    }
}

TEST_CASE("a unit of another size is refused", "[codec]") {
    const bool noisy = GENERATE(false, true);
    const auto unit = encode_unit(kKey, sample(4096, noisy));
    ByteVector larger(16384);
    ByteVector smaller(2048);

    REQUIRE(decode_unit(kKey, unit.value, larger).error().code == ErrorCode::corrupt);
    REQUIRE(decode_unit(kKey, unit.value, smaller).error().code == ErrorCode::corrupt);
}
