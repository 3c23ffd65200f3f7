#include "leases/manager.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "leases/clock.hpp"
#include "leases/random.hpp"
#include "leases/stream.hpp"
#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
namespace fs = std::filesystem;

namespace {

constexpr store::Epoch kEpoch{3};

struct ManagerFixture : HostFixture {
    TemporaryFolder folder;
    LeaseManager manager{host, kEpoch};

    LeaseId grant_directory() { return manager.grant(granted(folder), std::nullopt); }

    LeaseId grant_file(std::optional<std::uint64_t> ttl_ns = std::nullopt) {
        folder.write("file", "text");
        auto file = granted(folder)->open("file", {.read = true, .write = true});
        return manager.grant(std::move(*file), ttl_ns);
    }

    std::unique_ptr<LeaseManager> restored() {
        auto result = LeaseManager::restore(*manager.capture(), host, store::Epoch{4});
        REQUIRE(result.ok());
        return std::move(*result);
    }
};

Lease lease_of(const LeaseManager& manager, LeaseId id) {
    for (const Lease& lease : manager.leases()) {
        if (lease.id == id) return lease;
    }
    FAIL("no such lease");
    return {};
}

}  // namespace

TEST_CASE("a lease passes from granted to expired to reestablished", "[leases]") {
    ManagerFixture fixture;
    const LeaseId file = fixture.grant_file();
    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::granted);
    REQUIRE(lease_of(fixture.manager, file).epoch == kEpoch);

    REQUIRE(fixture.manager.expire_all().ok());
    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::expired);

    fixture.manager.reestablish_all();
    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::reestablished);
    REQUIRE(fixture.manager.use(file).ok());
}

TEST_CASE("using an expired lease re-establishes it", "[leases]") {
    ManagerFixture fixture;
    const LeaseId file = fixture.grant_file();
    REQUIRE(fixture.manager.expire_all().ok());

    auto service = fixture.manager.use(file);

    REQUIRE(service.ok());
    REQUIRE(*read_text(static_cast<Descriptor&>(**service)) == "text");
    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::reestablished);
}

TEST_CASE("a lease that is used in time is renewed, one that is not expires", "[leases]") {
    ManagerFixture fixture;
    const LeaseId file = fixture.grant_file(1000);

    fixture.clock.monotonic += 900;
    REQUIRE(fixture.manager.use(file).ok());
    fixture.clock.monotonic += 900;
    REQUIRE(fixture.manager.use(file).ok());
    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::granted);

    fixture.clock.monotonic += 1001;
    REQUIRE(fixture.manager.use(file).ok());
    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::reestablished);
}

TEST_CASE("a lease given back answers that there is no such descriptor", "[leases]") {
    ManagerFixture fixture;
    const LeaseId file = fixture.grant_file();

    fixture.manager.give_back(file);

    REQUIRE(fixture.manager.use(file).error() == Errno::badf);
    REQUIRE(fixture.manager.leases().empty());
}

TEST_CASE("a service that can't be had is lost, with the reason, and each use says so",
          "[leases]") {
    ManagerFixture fixture;
    const LeaseId directory = fixture.grant_directory();
    const LeaseId file = fixture.grant_file();
    const auto manager = fixture.restored();
    fs::remove_all(fixture.folder.path());

    manager->reestablish_all();

    REQUIRE(manager->use(file).error() == Errno::io);
    REQUIRE(manager->use(directory).error() == Errno::stale);
    REQUIRE(lease_of(*manager, file).state == LeaseState::lost);
    REQUIRE(lease_of(*manager, file).lost_because.find(fixture.folder.name()) != std::string::npos);

    fs::create_directory(fixture.folder.path());
    const auto again = LeaseManager::restore(*manager->capture(), fixture.host, store::Epoch{5});
    REQUIRE(lease_of(**again, file).state == LeaseState::lost);
    REQUIRE(lease_of(**again, file).lost_because == lease_of(*manager, file).lost_because);
    REQUIRE((*again)->use(file).error() == Errno::io);
}

TEST_CASE("restored leases hold nothing until they are re-established under the new epoch",
          "[leases]") {
    ManagerFixture fixture;
    const LeaseId directory = fixture.grant_directory();
    const LeaseId file = fixture.grant_file(77);

    const auto manager = fixture.restored();

    REQUIRE(lease_of(*manager, file).state == LeaseState::expired);
    REQUIRE(lease_of(*manager, file).epoch == kEpoch);
    REQUIRE(lease_of(*manager, file).ttl_ns == 77);
    manager->reestablish_all();
    REQUIRE(lease_of(*manager, file).epoch == store::Epoch{4});
    REQUIRE(lease_of(*manager, directory).state == LeaseState::reestablished);
    REQUIRE(manager->grant(granted(fixture.folder), std::nullopt) > file);
}

TEST_CASE("capturing releases nothing and repeats itself", "[leases]") {
    ManagerFixture fixture;
    fixture.grant_directory();
    const LeaseId file = fixture.grant_file();

    const auto first = *fixture.manager.capture();
    const auto second = *fixture.manager.capture();

    REQUIRE(first == second);
    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::granted);
}

TEST_CASE("saved leases that were cut off or changed are an error or another valid state",
          "[leases]") {
    ManagerFixture fixture;
    fixture.grant_directory();
    fixture.grant_file();
    fixture.manager.grant(Stream::open(1, fixture.host), std::nullopt);
    fixture.manager.grant(ClockService::open(fixture.host), std::nullopt);
    fixture.manager.grant(RandomService::open(fixture.host, std::nullopt), std::nullopt);
    const auto state = *fixture.manager.capture();

    for (std::size_t length = 0; length < state.size(); ++length) {
        const auto cut = LeaseManager::restore(Bytes(state).first(length), fixture.host, kEpoch);
        REQUIRE(cut.error().code == ErrorCode::corrupt);
    }

    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 5000; ++round) {
        auto changed = state;
        for (int flips = 0; flips < 3; ++flips)
            changed[random() % changed.size()] ^= static_cast<std::byte>(1U << (random() % 8));
        auto restored = LeaseManager::restore(changed, fixture.host, kEpoch);
        if (restored.ok()) (*restored)->capture().value();
    }
}

TEST_CASE("another format of saved leases is refused by its number", "[leases]") {
    ManagerFixture fixture;
    auto state = *fixture.manager.capture();
    state[4] = std::byte{9};

    const auto restored = LeaseManager::restore(state, fixture.host, kEpoch);

    REQUIRE(restored.error().code == ErrorCode::unsupported_format);
}
