#include "base/number.hpp"

#include <cstdint>

#include <catch2/catch.hpp>

using sojourn::parse_number;

TEST_CASE("a number is digits alone, and fits", "[base]") {
    REQUIRE(parse_number<std::uint64_t>("18446744073709551615") == UINT64_MAX);
    REQUIRE(parse_number<std::uint16_t>("0") == 0);
    for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x1", "1.", "70000"}) {
        INFO(text);
        REQUIRE_FALSE(parse_number<std::uint16_t>(text));
    }
}
