#include "base/quantity.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;

TEST_CASE("a size is a number with a unit that fits 64 bits", "[base]") {
    CHECK(*parse_size("65536") == 65536);
    CHECK(*parse_size("64K") == 65536);
    CHECK(*parse_size("64KiB") == 65536);
    CHECK(*parse_size("64KB") == 64000);
    CHECK(*parse_size("16777215G") == std::uint64_t{16777215} << 30U);
    for (const char* text : {"", "0", "0K", "K", "-1", "1.5M", "1 K", "1k", "1T", "17179869184G"}) {
        CAPTURE(text);
        CHECK(parse_size(text).error().code == ErrorCode::invalid_argument);
    }
}

TEST_CASE("a duration is a number with a unit, and at most ten years", "[base]") {
    CHECK(*parse_duration("200ms") == 200'000'000);
    CHECK(*parse_duration("2h") == 7'200'000'000'000);
    for (const char* text : {"", "1", "0s", "s", "1d", "90000h", "-1s"}) {
        CAPTURE(text);
        CHECK(parse_duration(text).error().code == ErrorCode::invalid_argument);
    }
}
