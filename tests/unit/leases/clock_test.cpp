#include "leases/clock.hpp"

#include <catch2/catch.hpp>

#include "leases/random.hpp"
#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;

TEST_CASE("the guest's time goes on from the checkpoint, whatever the host's clocks show",
          "[leases]") {
    HostFixture first;
    const auto clock = ClockService::open(first.host);
    first.clock.monotonic += 100;
    first.clock.cpu += 40;
    REQUIRE(clock->monotonic_ns() == 100);
    const auto checkpoint = clock->capture();

    HostFixture second;
    second.clock.monotonic = 7;  // another host, just started
    second.clock.cpu = 0;
    second.clock.realtime += 86'400'000'000'000;
    const auto restored = restore_service(ServiceKind::clock, *checkpoint);
    REQUIRE((*restored)->reacquire(second.host).ok());
    const auto& resumed = static_cast<const ClockService&>(**restored);

    REQUIRE(resumed.monotonic_ns() == 100);
    REQUIRE(resumed.cpu_ns() == 40);
    second.clock.monotonic += 5;
    second.clock.cpu += 2;
    REQUIRE(resumed.monotonic_ns() == 105);
    REQUIRE(resumed.cpu_ns() == 42);
    REQUIRE(resumed.realtime_ns() == second.clock.realtime);
}

TEST_CASE("a capture does not change the guest's time", "[leases]") {
    HostFixture fixture;
    const auto clock = ClockService::open(fixture.host);
    fixture.clock.monotonic += 10;

    REQUIRE(clock->capture().ok());

    REQUIRE(clock->monotonic_ns() == 10);
    fixture.clock.monotonic += 10;
    REQUIRE(clock->monotonic_ns() == 20);
}

TEST_CASE("two resumes of one checkpoint draw different random bytes", "[leases]") {
    HostFixture fixture;
    const auto random = RandomService::open(fixture.host, std::nullopt);
    const auto checkpoint = random->capture();
    REQUIRE(checkpoint->empty());
    std::array<std::array<std::byte, 16>, 2> drawn{};

    for (auto& bytes : drawn) {
        const auto restored = restore_service(ServiceKind::random, *checkpoint);
        REQUIRE((*restored)->reacquire(fixture.host).ok());
        static_cast<RandomService&>(**restored).fill(bytes);
    }

    REQUIRE(drawn[0] != drawn[1]);
}
