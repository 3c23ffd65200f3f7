#include "leases/deadlines.hpp"

#include <catch2/catch.hpp>

using namespace sojourn::leases;

namespace {

constexpr LeaseId kFirst{1};
constexpr LeaseId kSecond{2};
constexpr LeaseId kLong{3};

}  // namespace

TEST_CASE("half of a lease's time has passed when it is renewed", "[leases]") {
    Deadlines deadlines;
    deadlines.set(kFirst, 100, 1000);
    deadlines.set(kLong, 1000, 1000);
    REQUIRE(deadlines.renew_due(1000).next_ns == 1050);

    const auto renewed = deadlines.renew_due(1050);

    REQUIRE(renewed.next_ns == 1100);
    REQUIRE_FALSE(renewed.has_overdue);
    REQUIRE(deadlines.of(kFirst) == 1150);
    REQUIRE(deadlines.of(kLong) == 2000);
}

TEST_CASE("leases that are due at almost the same moment are renewed together", "[leases]") {
    Deadlines deadlines;
    deadlines.set(kFirst, 100, 1000);
    deadlines.set(kSecond, 100, 1020);

    const auto renewed = deadlines.renew_due(1050);

    REQUIRE(deadlines.of(kFirst) == 1150);
    REQUIRE(deadlines.of(kSecond) == 1150);
    REQUIRE(renewed.next_ns == 1100);
}

TEST_CASE("a lease that ran out is not renewed, and those beside it are", "[leases]") {
    Deadlines deadlines;
    deadlines.set(kFirst, 100, 1000);
    deadlines.set(kSecond, 100, 1060);
    deadlines.set(kLong, 1000, 1000);

    const auto renewed = deadlines.renew_due(1101);

    REQUIRE(renewed.has_overdue);
    REQUIRE(deadlines.of(kFirst) == 1100);
    REQUIRE(deadlines.of(kSecond) == 1201);
    REQUIRE(deadlines.overdue(1101) == std::vector{kFirst});
    REQUIRE(deadlines.is_overdue(kFirst, 1101));
    REQUIRE_FALSE(deadlines.is_overdue(kFirst, 1100));
    REQUIRE_FALSE(deadlines.is_overdue(kSecond, 1101));
}

TEST_CASE("the next renewal comes earlier only by the first lease of a duration", "[leases]") {
    Deadlines deadlines;

    REQUIRE(deadlines.set(kLong, 1000, 1000));
    REQUIRE(deadlines.set(kFirst, 100, 1000));
    REQUIRE_FALSE(deadlines.set(kSecond, 100, 1010));
    deadlines.erase(kFirst);
    deadlines.erase(kSecond);
    REQUIRE(deadlines.set(kSecond, 100, 1020));

    // What ran out is never renewed, so that nothing else wakes for what comes behind it.
    REQUIRE(deadlines.set(kFirst, 100, 1200));
}

TEST_CASE("the shortest of times does not renew for ever", "[leases]") {
    Deadlines deadlines;
    for (std::uint64_t ttl_ns = 1; ttl_ns < 6; ++ttl_ns) {
        deadlines.set(LeaseId{ttl_ns}, ttl_ns, 0);
        REQUIRE(deadlines.renew_due(0).next_ns);
    }
}

TEST_CASE("a lease that was given back has no time left", "[leases]") {
    Deadlines deadlines;
    deadlines.set(kFirst, 100, 1000);

    deadlines.erase(kFirst);
    deadlines.erase(kSecond);

    REQUIRE_FALSE(deadlines.of(kFirst));
    REQUIRE_FALSE(deadlines.renew_due(5000).has_overdue);
    REQUIRE(deadlines.overdue(5000).empty());
}
