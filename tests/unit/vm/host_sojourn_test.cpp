#include <catch2/catch.hpp>

#include "leases/console.hpp"
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

namespace {

/// A guest that asks for the terminal behind its descriptors.
struct TerminalGuest : GuestFixture {
    std::unique_ptr<leases::Console> console = *leases::Console::create();

    /// Its streams are a console from now on.
    void detach() {
        host.console = console.get();
        host.terminal = console.get();
        start();
    }

    std::int64_t ask(std::string_view name, const std::vector<std::uint64_t>& arguments) {
        const bool is_wide = name == "terminal_size";
        const auto result_type = is_wide ? vm::ValueType::i64 : vm::ValueType::i32;
        const vm::FunctionType type{
            .parameters = std::vector<vm::ValueType>(arguments.size(), vm::ValueType::i32),
            .results = {result_type}};
        const auto function = dispatcher->find("sojourn", name, type);
        REQUIRE(function);
        std::uint64_t result = 0;
        const auto outcome = dispatcher->call({.function = *function,
                                               .memory = &memory,
                                               .arguments = arguments,
                                               .results = {&result, 1}});
        REQUIRE(outcome.kind == Kind::done);
        return is_wide ? static_cast<std::int64_t>(result) : static_cast<std::int32_t>(result);
    }
};

}  // namespace

TEST_CASE("a guest is told that what it asks about is no terminal", "[vm][host]") {
    TerminalGuest guest;

    for (const std::uint64_t fd : {0U, 1U, 3U}) {
        CHECK(guest.ask("terminal_size", {fd}) == -59);
        CHECK(guest.ask("terminal_mode", {fd}) == -59);
        CHECK(guest.ask("set_terminal_mode", {fd, 1}) == -59);
    }
    CHECK(guest.ask("terminal_size", {77}) == -8);
    CHECK(guest.ask("set_terminal_mode", {77, 0}) == -8);
}

TEST_CASE("a guest sets the mode of its terminal and sees its size", "[vm][host]") {
    TerminalGuest guest;
    guest.detach();
    guest.console->resize({.columns = 100, .rows = 40});

    CHECK(guest.ask("terminal_size", {1}) == 100 * 65'536 + 40);
    CHECK(guest.ask("terminal_mode", {0}) == 0);
    CHECK(guest.ask("set_terminal_mode", {0, 1}) == 0);
    CHECK(guest.ask("terminal_mode", {2}) == 1);
    CHECK(guest.ask("set_terminal_mode", {0, 2}) == -28);
}

TEST_CASE("a guest may not set the mode without the right to set flags", "[vm][host]") {
    TerminalGuest guest;
    guest.detach();
    REQUIRE(guest.call("fd_fdstat_set_rights", {0, GuestFixture::kRead, 0}) ==
            leases::Errno::success);

    CHECK(guest.ask("set_terminal_mode", {0, 1}) == -76);
    CHECK(guest.console->state().mode == leases::TerminalMode::cooked);
}

TEST_CASE("a new variable is seen when the guest next asks for its room, and saved before",
          "[vm][host]") {
    GuestFixture guest;
    const auto environment = [&] {
        REQUIRE(guest.call("environ_get", {GuestFixture::kIovecs, GuestFixture::kBuffer}) ==
                leases::Errno::success);
        return guest.memory.get_text(GuestFixture::kBuffer, 20);
    };
    const auto ask_room = [&] {
        REQUIRE(
            guest.call("environ_sizes_get", {GuestFixture::kResult, GuestFixture::kResult + 4}) ==
            leases::Errno::success);
        return guest.memory.get<std::uint32_t>(GuestFixture::kResult);
    };
    REQUIRE(ask_room() == 1);

    guest.dispatcher->change_environment({"KEY=other", "NEW=1"});
    guest.reincarnate();

    // The guest has made room for what it was told.
    CHECK(environment().starts_with(std::string_view("KEY=value\0", 10)));
    CHECK(ask_room() == 2);
    CHECK(environment().starts_with(std::string_view("KEY=other\0NEW=1\0", 16)));
    guest.reincarnate();
    CHECK(environment().starts_with(std::string_view("KEY=other\0NEW=1\0", 16)));
}
