#include "store/internal/list_verifier.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "store/internal/lmdb_family.hpp"
#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

TEST_CASE("a family tells the same of its damage, in the same order, however many look",
          "[store][verify]") {
    StoreFixture fixture("directory");
    constexpr std::uint8_t kVersions = 40;
    for (std::uint8_t version = 0; version < kVersions; ++version) {
        const std::vector units{encoded(version, version, true)};
        REQUIRE(fixture.publish(fixture.acquire(), units).ok());
    }
    const auto place = fixture.store().directory() / "families" / fixture.process().family.hex();
    auto bytes = read_file(place / "data.mdb").value();
    for (std::uint8_t version = 0; version < kVersions; version += 3) {
        const ByteVector noise = unit_of(version, true);
        const auto at = std::search(bytes.begin(), bytes.end(), noise.begin(), noise.begin() + 64);
        REQUIRE(at != bytes.end());
        *at ^= std::byte{1};
    }
    REQUIRE(write_file(place / "data.mdb", bytes).ok());
    fixture.reopen();
    const auto alone = fixture.family().verify().value();
    REQUIRE(alone.size() == 14);
    // Each is named once.
    for (const std::string& problem : alone)
        REQUIRE(problem.find("unit") == problem.rfind("unit"));

    for (const unsigned threads : {2U, 5U, 8U}) {
        WorkCrew crew(threads);
        const auto& family = dynamic_cast<const LmdbFamily&>(fixture.family());
        REQUIRE(family.verify_together(crew, [](std::uint64_t) {}).value() == alone);
    }
}
