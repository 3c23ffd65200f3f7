#include "heap/internal/page_runs.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::heap;
using store::UnitIndex;

TEST_CASE("runs that overlap or touch become one", "[heap]") {
    PageRuns runs{{8, 2}, {0, 3}, {10, 1}, {2, 4}, {20, 1}};

    normalize(runs);

    REQUIRE(runs == PageRuns{{0, 6}, {8, 3}, {20, 1}});
    REQUIRE(page_count_of(runs) == 10);
}

TEST_CASE("a run inside another one adds nothing", "[heap]") {
    PageRuns runs{{0, 100}, {5, 1}, {50, 50}};

    normalize(runs);

    REQUIRE(runs == PageRuns{{0, 100}});
}

TEST_CASE("a unit is named once, however many runs touch it", "[heap]") {
    const PageRuns runs{{0, 1}, {3, 2}, {7, 1}, {12, 5}};

    REQUIRE(units_of(runs, 16384) ==
            std::vector{UnitIndex{0}, UnitIndex{1}, UnitIndex{3}, UnitIndex{4}});
    REQUIRE(units_of(runs, 65536) == std::vector{UnitIndex{0}, UnitIndex{1}});
    REQUIRE(units_of({}, 16384).empty());
}
