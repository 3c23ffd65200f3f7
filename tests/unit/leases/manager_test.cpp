#include "leases/manager.hpp"

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

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
constexpr std::uint64_t kTerm = 10'000'000;

struct ManagerFixture : HostFixture {
    TemporaryFolder folder;
    LeaseManager manager{host, kEpoch};

    LeaseId grant_directory() { return manager.grant(granted(folder)); }

    LeaseId grant_file() {
        folder.write("file", "text");
        auto file = granted(folder)->open("file", {.read = true, .write = true});
        return manager.grant(std::move(*file));
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

TEST_CASE("a lease whose time has passed expires before it is used", "[leases]") {
    ManagerFixture fixture;
    fixture.manager.set_terms({{ServiceKind::file, kTerm}});
    const LeaseId directory = fixture.grant_directory();
    const LeaseId file = fixture.grant_file();
    std::vector<LeaseState> seen;
    fixture.manager.observe([&](const Lease& lease) { seen.push_back(lease.state); });

    fixture.clock.monotonic += kTerm;
    REQUIRE(fixture.manager.use(file).ok());
    REQUIRE(seen.empty());

    fixture.clock.monotonic += 1;
    REQUIRE(fixture.manager.use(directory).ok());
    REQUIRE(fixture.manager.use(file).ok());
    REQUIRE(seen == std::vector{LeaseState::expired, LeaseState::reestablished});
    REQUIRE(lease_of(fixture.manager, file).remaining_ns == kTerm);
    REQUIRE_FALSE(lease_of(fixture.manager, directory).remaining_ns);
}

TEST_CASE("time that the host was suspended counts", "[leases]") {
    ManagerFixture fixture;
    fixture.manager.set_terms({{ServiceKind::file, kTerm}});
    const LeaseId file = fixture.grant_file();

    fixture.clock.suspended += kTerm + 1;
    fixture.manager.expire_overdue();

    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::expired);
}

TEST_CASE("a renewed lease has its whole time before it, and an expired one is got again",
          "[leases]") {
    ManagerFixture fixture;
    fixture.manager.set_terms({{ServiceKind::file, kTerm}});
    const LeaseId file = fixture.grant_file();
    fixture.clock.monotonic += kTerm - 1;

    REQUIRE(fixture.manager.renew(file).ok());
    REQUIRE(lease_of(fixture.manager, file).remaining_ns == kTerm);

    REQUIRE(fixture.manager.expire(file).ok());
    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::expired);
    REQUIRE_FALSE(lease_of(fixture.manager, file).remaining_ns);
    REQUIRE(fixture.manager.renew(file).ok());
    REQUIRE(lease_of(fixture.manager, file).state == LeaseState::reestablished);
}

TEST_CASE("renewing a lease that can't be had says why, and one that is not there by its number",
          "[leases]") {
    ManagerFixture fixture;
    const LeaseId file = fixture.grant_file();
    REQUIRE(fixture.manager.expire(file).ok());
    fs::remove(fixture.folder.path() / "file");

    const auto renewed = fixture.manager.renew(file);

    REQUIRE(renewed.error().code == ErrorCode::lease_lost);
    REQUIRE(renewed.error().message.find("noent") != std::string::npos);
    REQUIRE(fixture.manager.renew(LeaseId{77}).error().code == ErrorCode::not_found);
    REQUIRE(fixture.manager.expire(LeaseId{77}).error().message.find("77") != std::string::npos);
}

TEST_CASE("what is held for a time is renewed while nobody uses it", "[leases]") {
    TemporaryFolder folder;
    HostFixture fixture;
    SystemClock clock;
    const Host host{.clock = clock, .random = fixture.random, .interrupt = *fixture.interrupt};
    std::atomic<int> alarms = 0;
    LeaseManager manager(host, kEpoch);
    constexpr std::uint64_t kMinuteNs = 60'000'000'000;
    manager.set_terms({{ServiceKind::directory, kMinuteNs}, {ServiceKind::file, kLeaseTtlMinNs}});
    REQUIRE(manager.renew_in_background([&] { ++alarms; }).ok());
    const LeaseId lease = manager.grant(granted(folder));
    folder.write("file", "text");

    // So short that a busy machine lets it pass: then it is told.
    const LeaseId brief = manager.grant(std::move(*granted(folder)->open("file", {.read = true})));
    for (int i = 0; i < 2000 && alarms == 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));

    REQUIRE(lease_of(manager, lease).state == LeaseState::granted);
    if (alarms == 0) {
        REQUIRE(lease_of(manager, brief).remaining_ns > 0);
    } else {
        manager.expire_overdue();
        REQUIRE(lease_of(manager, brief).state == LeaseState::expired);
    }
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
    fixture.manager.set_terms({{ServiceKind::file, kTerm}});
    const LeaseId file = fixture.grant_file();

    const auto manager = fixture.restored();

    REQUIRE(lease_of(*manager, file).state == LeaseState::expired);
    REQUIRE(lease_of(*manager, file).epoch == kEpoch);
    REQUIRE(lease_of(*manager, file).ttl_ns == kTerm);
    manager->reestablish_all();
    REQUIRE(lease_of(*manager, file).epoch == store::Epoch{4});
    REQUIRE(lease_of(*manager, directory).state == LeaseState::reestablished);
    REQUIRE(manager->grant(granted(fixture.folder)) > file);
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
    fixture.manager.grant(*Stream::open(1, fixture.host));
    fixture.manager.grant(ClockService::open(fixture.host));
    fixture.manager.grant(RandomService::open(fixture.host, std::nullopt));
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
