#include <random>

#include <catch2/catch.hpp>

#include "tests/support/host_fixture.hpp"

using namespace sojourn;
using leases::Errno;
using test::GuestFixture;

namespace {

/// A guest with something in every field of the state.
ByteVector busy_state(GuestFixture& guest) {
    guest.folder.write("file", "text");
    guest.opened("file", 0, GuestFixture::kRead);
    guest.interrupt->raise();
    guest.iovec(0, GuestFixture::kBuffer, 100);
    const auto outcome =
        guest.call_for_outcome("fd_read", {0, GuestFixture::kIovecs, 1, GuestFixture::kResult});
    REQUIRE(outcome.kind == vm::HostOutcome::Kind::interrupted);
    return guest.dispatcher->capture();
}

}  // namespace

TEST_CASE("capturing host calls changes nothing and repeats itself", "[vm][host]") {
    GuestFixture guest;
    const auto state = busy_state(guest);

    guest.reincarnate();

    REQUIRE(guest.dispatcher->capture() == state);
}

TEST_CASE("saved host calls that were cut off are refused at every length", "[vm][host]") {
    GuestFixture guest;
    const auto state = busy_state(guest);

    for (std::size_t length = 0; length < state.size(); ++length) {
        const auto restored =
            vm::Dispatcher::restore(*guest.leases, Bytes(state).first(length), guest.supervisor);
        REQUIRE(restored.error().code == ErrorCode::corrupt);
    }
    auto longer = state;
    longer.push_back(std::byte{0});
    REQUIRE(vm::Dispatcher::restore(*guest.leases, longer, guest.supervisor).error().code ==
            ErrorCode::corrupt);
}

TEST_CASE("saved host calls that were changed are refused or harmless", "[vm][host]") {
    GuestFixture guest;
    const auto state = busy_state(guest);
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);

    for (int round = 0; round < 5000; ++round) {
        auto changed = state;
        for (int flips = 0; flips < 3; ++flips)
            changed[random() % changed.size()] ^= static_cast<std::byte>(1U << (random() % 8));
        auto restored = vm::Dispatcher::restore(*guest.leases, changed, guest.supervisor);
        if (!restored.ok()) continue;
        guest.dispatcher = std::move(*restored);
        for (std::uint64_t fd = 0; fd < 6; ++fd)
            guest.call("fd_fdstat_get", {fd, GuestFixture::kResult});
        guest.call("clock_time_get", {1, 0, GuestFixture::kResult});
    }
}

TEST_CASE("a descriptor that names a clock is refused", "[vm][host]") {
    GuestFixture guest;
    const auto state = guest.dispatcher->capture();
    // Behind magic, format, three counts, and the strings: the first row starts with its lease.
    const std::size_t strings = 4 + 7 + 4 + 14 + 4 + 9;
    const std::size_t first_row = 4 + 4 + 4 + 4 + 4 + strings + 4;
    auto changed = state;
    changed[first_row] = std::byte{5};  // leases 1 to 4 are streams and a directory, 5 the clock

    REQUIRE(state[first_row] == std::byte{1});
    REQUIRE(vm::Dispatcher::restore(*guest.leases, changed, guest.supervisor).error().code ==
            ErrorCode::corrupt);
}

TEST_CASE("another format of saved host calls is refused by its number", "[vm][host]") {
    GuestFixture guest;
    auto state = guest.dispatcher->capture();
    state[4] = std::byte{9};

    REQUIRE(vm::Dispatcher::restore(*guest.leases, state, guest.supervisor).error().code ==
            ErrorCode::unsupported_format);
}

TEST_CASE("a grant that is not there stops the launch", "[vm][host]") {
    GuestFixture guest;
    guest.launch.directories.push_back({.host_path = "/nowhere/at/all", .guest_path = "/"});
    leases::LeaseManager manager(guest.host, store::Epoch{1});

    const auto created = vm::Dispatcher::create(manager, guest.launch, guest.supervisor);

    REQUIRE(created.error().code == ErrorCode::not_found);
}
