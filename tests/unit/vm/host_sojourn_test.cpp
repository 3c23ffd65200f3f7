#include <catch2/catch.hpp>

#include "tests/support/host_fixture.hpp"

using namespace sojourn;
using test::GuestFixture;
using Kind = vm::HostOutcome::Kind;
using End = vm::Supervisor::CheckpointEnd;

namespace {

/// A guest that calls sojourn.checkpoint.
struct CheckpointingGuest : GuestFixture {
    std::uint64_t result = 0;

    Kind checkpoint() {
        const vm::FunctionType type{.parameters = {}, .results = {vm::ValueType::i32}};
        const auto function = dispatcher->find("sojourn", "checkpoint", type);
        REQUIRE(function);
        const vm::HostCall call{
            .function = *function, .memory = &memory, .arguments = {}, .results = {&result, 1}};
        return dispatcher->call(call).kind;
    }
    /// What the runner does once the guest stands still.
    void end_with(const Result<End>& how) {
        interrupt->raise();
        supervisor.end = how;
    }
    [[nodiscard]] std::int32_t result_as_i32() const {
        REQUIRE(result <= UINT32_MAX);
        return static_cast<std::int32_t>(result);
    }
};

}  // namespace

TEST_CASE("a guest's checkpoint is asked for once and waits until it is durable", "[vm][host]") {
    CheckpointingGuest guest;

    REQUIRE(guest.checkpoint() == Kind::interrupted);
    REQUIRE(guest.checkpoint() == Kind::interrupted);
    guest.end_with(End::durable);

    REQUIRE(guest.checkpoint() == Kind::done);
    REQUIRE(guest.result == 0);
    REQUIRE(guest.supervisor.requests == 1);
    REQUIRE(guest.dispatcher->completed_host_calls() == 1);
}

TEST_CASE("a guest that is restored in its checkpoint call is told so and asks for none",
          "[vm][host]") {
    CheckpointingGuest guest;
    REQUIRE(guest.checkpoint() == Kind::interrupted);

    guest.reincarnate();
    guest.end_with(End::restored);

    REQUIRE(guest.checkpoint() == Kind::done);
    REQUIRE(guest.result == 1);
    REQUIRE(guest.supervisor.requests == 1);
}

TEST_CASE("a second checkpoint of a guest is a new one", "[vm][host]") {
    CheckpointingGuest guest;
    REQUIRE(guest.checkpoint() == Kind::interrupted);
    guest.end_with(End::durable);
    REQUIRE(guest.checkpoint() == Kind::done);

    REQUIRE(guest.checkpoint() == Kind::interrupted);

    REQUIRE(guest.supervisor.requests == 2);
}

TEST_CASE("a checkpoint that failed is a negative errno", "[vm][host]") {
    CheckpointingGuest guest;
    const std::pair<ErrorCode, std::int32_t> cases[] = {
        {ErrorCode::store_full, -51}, {ErrorCode::io, -29}, {ErrorCode::not_found, -29}};
    for (const auto& [code, expected] : cases) {
        REQUIRE(guest.checkpoint() == Kind::interrupted);

        guest.end_with(fail(code, "it can't be"));

        REQUIRE(guest.checkpoint() == Kind::done);
        REQUIRE(guest.result_as_i32() == expected);
    }
}

TEST_CASE("a checkpoint where nothing is kept is refused at once", "[vm][host]") {
    CheckpointingGuest guest;
    guest.supervisor.refuses = fail(ErrorCode::unsupported, "the process has no name");

    REQUIRE(guest.checkpoint() == Kind::done);

    REQUIRE(guest.result_as_i32() == -58);
}

TEST_CASE("a guest learns its generation", "[vm][host]") {
    GuestFixture guest;
    std::uint64_t result = 0;
    const vm::FunctionType type{.parameters = {}, .results = {vm::ValueType::i64}};
    const auto function = guest.dispatcher->find("sojourn", "generation", type);
    REQUIRE(function);

    const auto outcome = guest.dispatcher->call(
        {.function = *function, .memory = nullptr, .arguments = {}, .results = {&result, 1}});

    REQUIRE(outcome.kind == Kind::done);
    REQUIRE(result == 7);
}

TEST_CASE("functions of one import module are not found in another", "[vm][host]") {
    const GuestFixture guest;
    const vm::FunctionType type{.parameters = {}, .results = {vm::ValueType::i32}};

    REQUIRE(guest.dispatcher->find("sojourn", "checkpoint", type));
    REQUIRE_FALSE(guest.dispatcher->find("wasi_snapshot_preview1", "checkpoint", type));
    REQUIRE_FALSE(guest.dispatcher->find("sojourn", "sched_yield", type));
    REQUIRE_FALSE(guest.dispatcher->find("sojourn", "sojourn.checkpoint", type));
}
