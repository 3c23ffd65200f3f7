#include "store/internal/commit_numbers.hpp"

#include <fstream>

#include <catch2/catch.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace sojourn;

namespace {

constexpr std::size_t kPageBytes = 4096;

/// Of a database whose first two pages have these numbers.
Result<void> check(std::uint64_t first, std::uint64_t second) {
    const tests::TemporaryFolder folder;
    const auto path = folder.path() / "data.mdb";
    std::string pages(2 * kPageBytes, '\0');
    std::memcpy(pages.data() + 144, &first, sizeof first);
    std::memcpy(pages.data() + kPageBytes + 144, &second, sizeof second);
    std::ofstream(path, std::ios::binary) << pages;
    return store::check_commit_numbers(path, kPageBytes);
}

}  // namespace

TEST_CASE("the numbers of two commits follow each other, the even one first", "[store]") {
    REQUIRE(check(0, 0).ok());
    REQUIRE(check(0, 1).ok());
    REQUIRE(check(2, 1).ok());
    REQUIRE(check(2, 3).ok());
    REQUIRE_FALSE(check(1, 2).ok());
    REQUIRE_FALSE(check(4, 1).ok());
    REQUIRE_FALSE(check(0, 3).ok());
    REQUIRE(check(4, 1).error().code == ErrorCode::corrupt);
}

TEST_CASE("a bit turned in a commit number is found, unless it moves the number by two",
          "[store]") {
    for (unsigned bit = 0; bit < 64; ++bit) {
        INFO("bit " << bit);
        const std::uint64_t turned = std::uint64_t{1} << bit;

        REQUIRE(check(100 ^ turned, 101).ok() == (bit == 1));  // 102
        REQUIRE(check(102 ^ turned, 101).ok() == (bit == 1));  // 100
        REQUIRE_FALSE(check(100, 99 ^ turned).ok());           // 97 would have to be 101
    }
}
