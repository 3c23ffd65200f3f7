#include "base/edit_distance.hpp"

#include <catch2/catch.hpp>

using sojourn::edit_distance;

TEST_CASE("names are as far apart as bytes must be inserted, removed or replaced", "[base]") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("", "job") == 3);
    CHECK(edit_distance("job", "") == 3);
    CHECK(edit_distance("fd_raed", "fd_read") == 2);
    CHECK(edit_distance("kitten", "sitting") == 3);
}
