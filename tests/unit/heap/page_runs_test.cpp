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

TEST_CASE("a unit is named once with all its pages, however many runs touch it", "[heap]") {
    const PageRuns runs{{0, 1}, {3, 2}, {7, 1}, {12, 5}};

    REQUIRE(units_of(runs, 16384) == std::vector<UnitPages>{{UnitIndex{0}, 0b1001},
                                                            {UnitIndex{1}, 0b1001},
                                                            {UnitIndex{3}, 0b1111},
                                                            {UnitIndex{4}, 0b0001}});
    REQUIRE(units_of(runs, 65536) ==
            std::vector<UnitPages>{{UnitIndex{0}, 0b1111'0000'1001'1001}, {UnitIndex{1}, 0b1}});
    REQUIRE(units_of({}, 16384).empty());
}

TEST_CASE("an overlap is what lies in both", "[heap]") {
    const PageRuns runs{{0, 4}, {10, 10}, {30, 1}};
    PageRuns overlap;

    append_overlap(runs, {2, 10}, overlap);
    append_overlap(runs, {20, 10}, overlap);
    append_overlap(runs, {30, 5}, overlap);

    REQUIRE(overlap == PageRuns{{2, 2}, {10, 2}, {30, 1}});
}

TEST_CASE("what is subtracted is gone, and nothing else", "[heap]") {
    PageRuns runs{{0, 4}, {10, 10}, {30, 5}};

    subtract(runs, {{1, 2}, {8, 4}, {15, 1}, {19, 20}});

    REQUIRE(runs == PageRuns{{0, 1}, {3, 1}, {12, 3}, {16, 3}});
}
