#include "heap/internal/page_bitmap.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::heap;

namespace {

constexpr std::uint64_t kPages = 1000;

PageRuns runs_of(const PageBitmap& bitmap, std::uint64_t first = 0, std::uint64_t count = kPages) {
    PageRuns runs;
    bitmap.append_runs(first, count, runs);
    return runs;
}

}  // namespace

TEST_CASE("a fresh bitmap has no runs", "[heap]") {
    const auto bitmap = PageBitmap::create(kPages);

    REQUIRE(runs_of(*bitmap).empty());
}

TEST_CASE("a run across words is one run", "[heap]") {
    auto bitmap = PageBitmap::create(kPages);

    bitmap->set(60, 140);
    bitmap->set(0, 1);
    bitmap->set(999, 1);

    REQUIRE(runs_of(*bitmap) == PageRuns{{0, 1}, {60, 140}, {999, 1}});
}

TEST_CASE("only the range that was asked for is reported", "[heap]") {
    auto bitmap = PageBitmap::create(kPages);
    bitmap->set(0, kPages);

    REQUIRE(runs_of(*bitmap, 63, 2) == PageRuns{{63, 2}});
    REQUIRE(runs_of(*bitmap, 128, 64) == PageRuns{{128, 64}});
    REQUIRE(runs_of(*bitmap, 5, 0).empty());
}

TEST_CASE("clearing a run leaves its neighbours", "[heap]") {
    auto bitmap = PageBitmap::create(kPages);
    bitmap->set(0, kPages);

    bitmap->clear({10, 200});

    REQUIRE(runs_of(*bitmap) == PageRuns{{0, 10}, {210, 790}});
}
