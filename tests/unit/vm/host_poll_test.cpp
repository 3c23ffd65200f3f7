#include <catch2/catch.hpp>

#include "tests/support/host_fixture.hpp"

using namespace sojourn;
using leases::Errno;
using test::GuestFixture;
using Kind = vm::HostOutcome::Kind;

namespace {

constexpr std::uint64_t kSubscriptions = 8192;
constexpr std::uint64_t kEvents = 16'384;
constexpr auto kResult = GuestFixture::kResult;

void put_clock(GuestFixture& guest, std::uint32_t index, std::uint32_t clock,
               std::uint64_t timeout_ns, bool is_absolute = false) {
    const std::uint64_t at = kSubscriptions + index * 48;
    guest.memory.put(at, std::uint64_t{100} + index);
    guest.memory.put(at + 8, std::uint64_t{0});
    guest.memory.put(at + 16, clock);
    guest.memory.put(at + 24, timeout_ns);
    guest.memory.put(at + 32, std::uint64_t{0});
    guest.memory.put(at + 40, std::uint64_t{is_absolute ? 1U : 0U});
}

void put_descriptor(GuestFixture& guest, std::uint32_t index, std::uint8_t type, std::uint32_t fd) {
    const std::uint64_t at = kSubscriptions + index * 48;
    guest.memory.put(at, std::uint64_t{100} + index);
    guest.memory.put(at + 8, std::uint64_t{type});
    guest.memory.put(at + 16, fd);
}

vm::HostOutcome poll(GuestFixture& guest, std::uint32_t count) {
    return guest.call_for_outcome("poll_oneoff", {kSubscriptions, kEvents, count, kResult});
}

struct Event {
    std::uint64_t user_data;
    std::uint16_t error;
    std::uint8_t type;
    std::uint64_t byte_count;
    std::uint16_t flags;
};

std::vector<Event> events_of(const GuestFixture& guest) {
    std::vector<Event> events;
    for (std::uint32_t i = 0; i < guest.memory.get<std::uint32_t>(kResult); ++i) {
        const std::uint64_t at = kEvents + i * 32;
        events.push_back(
            {guest.memory.get<std::uint64_t>(at), guest.memory.get<std::uint16_t>(at + 8),
             guest.memory.get<std::uint8_t>(at + 10), guest.memory.get<std::uint64_t>(at + 16),
             guest.memory.get<std::uint16_t>(at + 24)});
    }
    return events;
}

constexpr std::uint64_t kHourNs = 3'600'000'000'000;

}  // namespace

TEST_CASE("an interrupted sleep keeps its remaining time across a reincarnation", "[vm][host]") {
    GuestFixture guest;
    put_clock(guest, 0, 1, kHourNs);
    guest.interrupt->raise();

    REQUIRE(poll(guest, 1).kind == Kind::interrupted);
    guest.clock.monotonic += kHourNs - 10;  // it slept nearly all of it
    REQUIRE(poll(guest, 1).kind == Kind::interrupted);

    const auto saved_leases = *guest.leases->capture();
    const auto saved_calls = guest.dispatcher->capture();
    guest.clock.monotonic += 1'000 * kHourNs;  // suspended
    guest.leases = *leases::LeaseManager::restore(saved_leases, guest.host, store::Epoch{2});
    guest.leases->reestablish_all();
    guest.dispatcher = *vm::Dispatcher::restore(*guest.leases, saved_calls, guest.supervisor);

    guest.clock.monotonic += 9;
    REQUIRE(poll(guest, 1).kind == Kind::interrupted);
    guest.clock.monotonic += 1;
    REQUIRE(poll(guest, 1).kind == Kind::done);
    REQUIRE(events_of(guest).size() == 1);
    REQUIRE(events_of(guest)[0].user_data == 100);
}

TEST_CASE("a sleep that is over does not shorten the next one", "[vm][host]") {
    GuestFixture guest;
    put_clock(guest, 0, 1, kHourNs);
    guest.interrupt->raise();
    REQUIRE(poll(guest, 1).kind == Kind::interrupted);
    guest.clock.monotonic += kHourNs;
    REQUIRE(poll(guest, 1).kind == Kind::done);

    REQUIRE(poll(guest, 1).kind == Kind::interrupted);
}

TEST_CASE("a call that is broken off is not counted until it is made again", "[vm][host]") {
    GuestFixture guest;
    put_clock(guest, 0, 1, kHourNs);
    guest.interrupt->raise();

    REQUIRE(poll(guest, 1).kind == Kind::interrupted);
    REQUIRE(guest.dispatcher->completed_host_calls() == 0);
    guest.clock.monotonic += kHourNs;
    REQUIRE(poll(guest, 1).kind == Kind::done);
    REQUIRE(guest.dispatcher->completed_host_calls() == 1);
    guest.reincarnate();
    REQUIRE(guest.dispatcher->completed_host_calls() == 1);
}

TEST_CASE("a read that waits is broken off, and made again finds its input", "[vm][host]") {
    GuestFixture guest;
    guest.iovec(0, GuestFixture::kBuffer, 100);
    guest.interrupt->raise();

    const auto outcome = guest.call_for_outcome("fd_read", {0, GuestFixture::kIovecs, 1, kResult});
    REQUIRE(outcome.kind == Kind::interrupted);

    guest.reincarnate();
    guest.interrupt->clear();
    REQUIRE(::write(guest.input_far.get(), "late", 4) == 4);
    REQUIRE(guest.read(0) == "late");
}

TEST_CASE("a write that finds its pipe full reports what it wrote, then is broken off",
          "[vm][host]") {
    GuestFixture guest;
    guest.iovec(0, 10'000, 200'000);
    guest.interrupt->raise();
    const std::vector<std::uint64_t> arguments = {1, GuestFixture::kIovecs, 1, kResult};

    REQUIRE(guest.call_for_outcome("fd_write", arguments).kind == Kind::done);
    const auto written = guest.memory.get<std::uint32_t>(kResult);
    REQUIRE(guest.call_for_outcome("fd_write", arguments).kind == Kind::interrupted);

    REQUIRE(written > 0);
    REQUIRE(written < 200'000);
}

TEST_CASE("polling tells of descriptors and clocks in the order asked", "[vm][host]") {
    GuestFixture guest;
    guest.folder.write("file", "text");
    const auto file = guest.opened("file", 0, GuestFixture::kAllRights);
    REQUIRE(::write(guest.input_far.get(), "in", 2) == 2);
    put_clock(guest, 0, 1, 0);
    put_descriptor(guest, 1, 1, 0);
    put_descriptor(guest, 2, 2, 1);
    put_descriptor(guest, 3, 1, 77);
    put_clock(guest, 4, 1, kHourNs);
    put_descriptor(guest, 5, 1, file);
    put_clock(guest, 6, 9, 0);
    put_descriptor(guest, 7, 9, 0);

    REQUIRE(poll(guest, 8).kind == Kind::done);

    const auto events = events_of(guest);
    REQUIRE(events.size() == 7);
    REQUIRE(events[0].user_data == 100);
    REQUIRE(events[1].user_data == 101);
    REQUIRE(events[1].byte_count == 2);
    REQUIRE(events[2].user_data == 102);
    REQUIRE(events[3].user_data == 103);
    REQUIRE(static_cast<Errno>(events[3].error) == Errno::badf);
    REQUIRE(events[4].user_data == 105);
    REQUIRE(events[4].byte_count == 4);
    REQUIRE(static_cast<Errno>(events[5].error) == Errno::inval);
    REQUIRE(static_cast<Errno>(events[6].error) == Errno::inval);
}

TEST_CASE("polling a closed pipe tells of the hangup", "[vm][host]") {
    GuestFixture guest;
    guest.input_far = UniqueFd();
    put_descriptor(guest, 0, 1, 0);

    REQUIRE(poll(guest, 1).kind == Kind::done);

    REQUIRE(events_of(guest)[0].flags == 1);
}

TEST_CASE("absolute times are of the clock they name", "[vm][host]") {
    GuestFixture guest;
    guest.clock.monotonic += 1'000;

    put_clock(guest, 0, 0, guest.clock.realtime, true);
    REQUIRE(poll(guest, 1).kind == Kind::done);
    put_clock(guest, 0, 1, 1'000, true);
    REQUIRE(poll(guest, 1).kind == Kind::done);

    guest.interrupt->raise();
    put_clock(guest, 0, 0, guest.clock.realtime + 1'000'000'000'000, true);
    REQUIRE(poll(guest, 1).kind == Kind::interrupted);
    put_clock(guest, 0, 1, UINT64_MAX, false);
    REQUIRE(poll(guest, 1).kind == Kind::interrupted);
}
