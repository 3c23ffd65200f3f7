#include "process/periodic_checkpoints.hpp"

#include <atomic>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::process;

namespace {

constexpr CheckpointRhythm kByTime{1'000'000, std::nullopt};
constexpr CheckpointRhythm kByData{std::nullopt, 1000};

/// An inbox whose requests the test answers, and a guest that has changed what the test says.
struct PeriodicFixture {
    explicit PeriodicFixture(const CheckpointRhythm& rhythm)
        : periodic(PeriodicCheckpoints::start(
                       rhythm, inbox, clock,
                       [this] {
                           ++probes;
                           return dirty_bytes.load();
                       },
                       [this](const Error& error) { reports.push_back(error); })
                       .value()) {}
    ~PeriodicFixture() {
        periodic->stop();
        inbox.close(fail(ErrorCode::not_found, "it has ended"));
    }

    std::optional<Request> take() { return inbox.take(/*ends_only=*/false); }

    /// Busy, as a guest is that changes something.
    Request await_request() {
        for (;;) {
            if (auto request = take()) return std::move(*request);
        }
    }
    /// Busy until what has changed was looked at a few times.
    void await_probes() {
        for (const int before = probes; probes < before + 3;)
            continue;
    }

    SystemClock clock;
    std::unique_ptr<leases::Interrupt> interrupt = leases::Interrupt::create().value();
    Inbox inbox{*interrupt};
    std::vector<Error> reports;
    std::atomic<std::uint64_t> dirty_bytes = 0;
    std::atomic<int> probes = 0;
    std::unique_ptr<PeriodicCheckpoints> periodic;
};

store::CheckpointInfo stored() {
    store::CheckpointInfo info;
    info.id = store::Version{1};
    return info;
}

}  // namespace

TEST_CASE("a periodic checkpoint that is not answered delays the next", "[process]") {
    PeriodicFixture fixture(kByTime);
    const Request first = fixture.await_request();

    ::usleep(20'000);
    REQUIRE_FALSE(fixture.inbox.has_requests());
    first.answer(stored());

    fixture.await_request().answer(stored());
}

TEST_CASE("periodic checkpoints that fail are reported once until one succeeds", "[process]") {
    PeriodicFixture fixture(kByTime);
    const Error full = fail(ErrorCode::store_full, "no space left");

    fixture.await_request().answer(full);
    fixture.await_request().answer(full);
    REQUIRE(fixture.reports.size() == 1);
    fixture.await_request().answer(stored());
    fixture.await_request().answer(full);

    REQUIRE(fixture.reports.size() == 2);
    REQUIRE(fixture.reports.back().message == "no space left");
}

TEST_CASE("the end of the process is no failed checkpoint", "[process]") {
    PeriodicFixture fixture(kByTime);
    const Request waiting = fixture.await_request();

    fixture.periodic->stop();
    waiting.answer(fail(ErrorCode::not_found, "it has ended"));

    REQUIRE(fixture.reports.empty());
}

TEST_CASE("a checkpoint is asked for when enough has changed and not before", "[process]") {
    PeriodicFixture fixture(kByData);

    fixture.dirty_bytes = 999;
    fixture.await_probes();
    REQUIRE_FALSE(fixture.inbox.has_requests());
    fixture.dirty_bytes = 1000;
    const Request request = fixture.await_request();

    fixture.dirty_bytes = 0;
    request.answer(stored());
    fixture.await_probes();
    REQUIRE_FALSE(fixture.inbox.has_requests());
}

TEST_CASE("after a failed checkpoint the next waits until as much again has changed", "[process]") {
    PeriodicFixture fixture(kByData);
    fixture.dirty_bytes = 1500;
    const Error full = fail(ErrorCode::store_full, "no space left");

    fixture.await_request().answer(full);
    fixture.await_probes();
    REQUIRE_FALSE(fixture.inbox.has_requests());
    fixture.dirty_bytes = 2500;
    fixture.await_request().answer(stored());

    // It took everything: the amount counts from nothing again.
    fixture.await_request().answer(stored());
}

TEST_CASE("nobody looks at what has changed while the guest waits", "[process]") {
    PeriodicFixture fixture(kByData);
    fixture.await_probes();

    const int before = fixture.probes;
    ::usleep(300'000);

    // 30 times 10 ms went by. Looking takes some of the processor's time too, but ever less.
    REQUIRE(fixture.probes <= before + 2);
}

TEST_CASE("of a time and an amount, what comes first asks for the checkpoint", "[process]") {
    PeriodicFixture fixture({3'600'000'000'000, 1000});
    fixture.dirty_bytes = 1000;
    fixture.await_request().answer(stored());

    PeriodicFixture idle({1'000'000, 1000});
    idle.await_request().answer(stored());
}
