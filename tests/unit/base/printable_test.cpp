#include "base/printable.hpp"

#include <catch2/catch.hpp>

using sojourn::printable;

TEST_CASE("what steers a terminal is shown, not sent to it", "[base]") {
    REQUIRE(printable("\x1b[2J") == "\\x1b[2J");
    REQUIRE(printable("a\nb\x7f") == "a\\x0ab\\x7f");
    REQUIRE(printable("\xc2\x9b"
                      "0m") == "\\x9b0m");
    REQUIRE(printable("\xc2") == "\xc2");
}

TEST_CASE("what people write stays as it is", "[base]") {
    REQUIRE(printable("std::vector<int>::push_back(int&&) \xc2\xa0\xc3\xa4 \xe2\x82\xac") ==
            "std::vector<int>::push_back(int&&) \xc2\xa0\xc3\xa4 \xe2\x82\xac");
    REQUIRE(printable("").empty());
}

TEST_CASE("of a long name a line has the beginning, cut between characters", "[base]") {
    const std::string name(63, 'x');

    REQUIRE(sojourn::printable_excerpt(name) == name);
    REQUIRE(sojourn::printable_excerpt(name + "\xc3\xa4") == name + "…");
    REQUIRE(sojourn::printable_excerpt("\n" + name + "y") == "\\x0a" + name + "…");
}
