#include "store/difference.hpp"

#include <algorithm>
#include <iostream>
#include <random>

#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

std::vector<std::uint64_t> difference(StoreFixture& fixture, Version left, Version right) {
    std::vector<std::uint64_t> units;
    const auto compared = for_each_difference(
        {fixture.family(), *fixture.family().view_of(left)},
        {fixture.family(), *fixture.family().view_of(right)}, [&](UnitKey key) -> Result<void> {
            units.push_back(static_cast<std::uint64_t>(key.unit));
            return {};
        });
    REQUIRE(compared.ok());
    return units;
}

using Units = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("two checkpoints differ where something was written between them", "[store]") {
    StoreFixture fixture("directory");
    auto token = fixture.acquire();
    const auto first =
        fixture.publish(token, {encoded(0, 1), encoded(1, 1), encoded(2, 1)}).value();
    const auto second = fixture.publish(token, {encoded(1, 2), encoded(7, 2)}).value();
    token = fixture.acquire(first);
    const auto branched = fixture.publish(token, {encoded(2, 3), encoded(5, 3)}).value();

    REQUIRE(difference(fixture, first, first) == Units{});
    REQUIRE(difference(fixture, first, second) == Units{1, 7});
    REQUIRE(difference(fixture, second, first) == Units{1, 7});
    REQUIRE(difference(fixture, first, branched) == Units{2, 5});
    REQUIRE(difference(fixture, second, branched) == Units{1, 2, 5, 7});
}

TEST_CASE("in a store in memory, no unit that differs is left out", "[store]") {
    StoreFixture fixture("mem:");
    const auto token = fixture.acquire();
    const auto first = fixture.publish(token, {encoded(0, 1), encoded(1, 1)}).value();
    const auto second = fixture.publish(token, {encoded(1, 2), encoded(7, 2)}).value();

    REQUIRE(difference(fixture, first, second) == Units{0, 1, 7});
}

TEST_CASE("of a random history, every two checkpoints differ where they are not alike",
          "[store][random]") {
    const char* given = std::getenv("SOJOURN_SEED");
    const std::uint64_t seed =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "SOJOURN_SEED=" << seed << " repeats this\n";
    std::mt19937_64 random(seed);
    constexpr std::uint64_t kUnits = 40;
    StoreFixture fixture("directory");
    auto token = fixture.acquire();
    std::vector<Version> versions;
    for (int step = 0; step < 30; ++step) {
        if (!versions.empty() && random() % 4 == 0)
            token = fixture.acquire(versions[random() % versions.size()]);
        std::map<std::uint64_t, EncodedUnit> units;
        for (std::uint64_t count = random() % 12; count > 0; --count) {
            const std::uint64_t unit = random() % kUnits;
            units[unit] = encoded(unit, static_cast<std::uint8_t>(1 + random() % 250));
        }
        std::vector<EncodedUnit> written;
        for (auto& [unit, value] : units)
            written.push_back(std::move(value));
        versions.push_back(fixture.publish(token, written).value());
    }

    for (const Version left : versions) {
        for (const Version right : versions) {
            const auto listed = difference(fixture, left, right);
            REQUIRE(std::ranges::is_sorted(listed));
            for (std::uint64_t unit = 0; unit < kUnits; ++unit) {
                if (fixture.at(left, unit) != fixture.at(right, unit))
                    REQUIRE(std::ranges::binary_search(listed, unit));
            }
            if (left == right) REQUIRE(listed.empty());
        }
    }
}
