#include <cinttypes>
#include <cstdio>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;

namespace {

constexpr std::uint64_t kPage = 65'536;

std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xbf58'476d'1ce4'e5b9;
    x = (x ^ (x >> 27U)) * 0x94d0'49bb'1331'11eb;
    return x ^ (x >> 31U);
}

/// What bigmap.h finds in a memory that had `pages_before`.
std::string walk_over(std::uint64_t pages, std::uint64_t stride, std::uint64_t pages_before) {
    const std::uint64_t last = pages * kPage - 8;
    std::uint64_t places = 0;
    std::uint64_t digest = 0;
    for (std::uint64_t address = pages_before * kPage; address < last; address += stride) {
        digest = digest * 31 + mixed(address);
        ++places;
    }
    digest = digest * 31 + mixed(last);
    char text[128];
    std::snprintf(text, sizeof text,
                  "pages %" PRIu64 "\nplaces %" PRIu64 "\ndigest %016" PRIx64 "\n", pages, places,
                  digest);
    return text;
}

/// A page in 1024 is touched, so that little of it is ever resident.
void expect_walk(const std::string& name, std::uint64_t pages) {
    const auto program = guest(name);
    if (!program) return;
    constexpr std::uint64_t kStride = 64 * kPage;
    constexpr std::uint64_t kPagesBefore = 2;  // what the linker gives so small a program
    const ProcessFixture fixture;

    const auto run = fixture.run({"run", *program, std::to_string(pages), std::to_string(kStride)});

    CHECK(run.err.empty());
    CHECK(run.out == walk_over(pages, kStride, kPagesBefore));
    CHECK(run.exit_code == 0);
}

}  // namespace

TEST_CASE("a 64-bit memory of 8 GiB is walked over to its last byte", "[checkpoint][memory64]") {
    expect_walk("bigmap64", 131'072);
}

TEST_CASE("a 32-bit memory of 4 GiB is walked over to its last byte", "[checkpoint]") {
    expect_walk("bigmap", 65'536);
}

TEST_CASE("a 64-bit memory that no build keeps is refused to the guest, not to us",
          "[checkpoint][memory64]") {
    const auto program = guest("bigmap64");
    if (!program) return;
    const ProcessFixture fixture;

    const auto run = fixture.run({"run", *program, "18446744073709551615", "4096"});

    CHECK(run.err.empty());
    CHECK(run.exit_code == 1);
}
