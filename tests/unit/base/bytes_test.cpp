#include "base/bytes.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;

TEST_CASE("what a writer put, a reader gets", "[base]") {
    ByteWriter writer;
    writer.put(std::uint32_t{7});
    writer.put_sized("seven");

    ByteReader reader(writer.view(), "sample");

    REQUIRE(*reader.get<std::uint32_t>() == 7);
    REQUIRE(*reader.get_string() == "seven");
    REQUIRE(reader.expect_end().ok());
}

TEST_CASE("a reader that runs short names its subject", "[base]") {
    ByteWriter writer;
    writer.put(std::uint32_t{1000});

    ByteReader reader(writer.view(), "sample");
    const auto result = reader.get_string();

    REQUIRE(result.error().code == ErrorCode::corrupt);
    REQUIRE(result.error().message == "sample ends 1000 bytes early");
}

TEST_CASE("a count that cannot be there is refused before anything is allocated", "[base]") {
    ByteWriter writer;
    writer.put(std::uint32_t{0xffffffff});

    ByteReader reader(writer.view(), "sample");

    REQUIRE(reader.get_count(8).error().code == ErrorCode::corrupt);
}

TEST_CASE("hexadecimal text and bytes are each other's inverse", "[base]") {
    std::array<std::byte, 3> bytes{};

    REQUIRE(from_hex("00ffA7", bytes));
    REQUIRE(to_hex(bytes) == "00ffa7");
    REQUIRE_FALSE(from_hex("00ffa", bytes));
    REQUIRE_FALSE(from_hex("00ffag", bytes));
}
