#include "process/periodic_checkpoints.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::process;

namespace {

/// An inbox whose requests the test answers.
struct PeriodicFixture {
    SystemClock clock;
    std::unique_ptr<leases::Interrupt> interrupt = leases::Interrupt::create().value();
    Inbox inbox{*interrupt};
    std::vector<Error> reports;
    PeriodicCheckpoints periodic{1'000'000, inbox, clock,
                                 [this](const Error& error) { reports.push_back(error); }};

    ~PeriodicFixture() {
        periodic.stop();
        inbox.close(fail(ErrorCode::not_found, "it has ended"));
    }
    Request await_request() {
        for (;;) {
            if (auto request = inbox.take(/*suspend_only=*/false)) return std::move(*request);
            ::usleep(500);
        }
    }
};

}  // namespace

TEST_CASE("a periodic checkpoint that is not answered delays the next", "[process]") {
    PeriodicFixture fixture;
    const Request first = fixture.await_request();

    ::usleep(20'000);
    REQUIRE_FALSE(fixture.inbox.has_requests());
    first.answer(store::CheckpointInfo{});

    fixture.await_request().answer(store::CheckpointInfo{});
}

TEST_CASE("periodic checkpoints that fail are reported once until one succeeds", "[process]") {
    PeriodicFixture fixture;
    const Error full = fail(ErrorCode::store_full, "no space left");

    fixture.await_request().answer(full);
    fixture.await_request().answer(full);
    REQUIRE(fixture.reports.size() == 1);
    fixture.await_request().answer(store::CheckpointInfo{});
    fixture.await_request().answer(full);

    REQUIRE(fixture.reports.size() == 2);
    REQUIRE(fixture.reports.back().message == "no space left");
}

TEST_CASE("the end of the process is no failed checkpoint", "[process]") {
    PeriodicFixture fixture;
    const Request waiting = fixture.await_request();

    fixture.periodic.stop();
    waiting.answer(fail(ErrorCode::not_found, "it has ended"));

    REQUIRE(fixture.reports.empty());
}
