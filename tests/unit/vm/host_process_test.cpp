#include <catch2/catch.hpp>

#include "tests/support/host_fixture.hpp"

using namespace sojourn;
using leases::Errno;
using test::GuestFixture;

TEST_CASE("a guest sees its arguments and its environment", "[vm][host]") {
    GuestFixture guest;

    REQUIRE(guest.call("args_sizes_get", {100, 104}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(100) == 2);
    REQUIRE(guest.memory.get<std::uint32_t>(104) == 23);
    REQUIRE(guest.call("args_get", {200, 300}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(200) == 300);
    REQUIRE(guest.memory.get<std::uint32_t>(204) == 308);
    REQUIRE(guest.memory.get_text(300, 23) == std::string("program\0first argument\0", 23));

    REQUIRE(guest.call("environ_sizes_get", {100, 104}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(100) == 1);
    REQUIRE(guest.call("environ_get", {200, 300}) == Errno::success);
    REQUIRE(guest.memory.get_text(300, 10) == std::string("KEY=value\0", 10));
}

TEST_CASE("only functions of the right module, name and type are found", "[vm][host]") {
    const GuestFixture guest;
    const vm::FunctionType right{{vm::ValueType::i32}, {vm::ValueType::i32}};
    const vm::FunctionType wrong{{vm::ValueType::i64}, {vm::ValueType::i32}};

    REQUIRE(guest.dispatcher->find("wasi_snapshot_preview1", "fd_close", right));
    REQUIRE_FALSE(guest.dispatcher->find("wasi_snapshot_preview1", "fd_close", wrong));
    REQUIRE_FALSE(guest.dispatcher->find("wasi_snapshot_preview1", "fd_clone", right));
    REQUIRE_FALSE(guest.dispatcher->find("env", "fd_close", right));
}

TEST_CASE("exit ends the guest with its code", "[vm][host]") {
    GuestFixture guest;

    const auto outcome = guest.call_for_outcome("proc_exit", {42});

    REQUIRE(outcome.kind == vm::HostOutcome::Kind::exited);
    REQUIRE(outcome.exit_code == 42);
}

TEST_CASE("the guest's clocks tell its own time", "[vm][host]") {
    GuestFixture guest;
    guest.clock.monotonic += 70;

    REQUIRE(guest.call("clock_time_get", {0, 0, 100}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint64_t>(100) == guest.clock.realtime);
    REQUIRE(guest.call("clock_time_get", {1, 0, 100}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint64_t>(100) == 70);
    REQUIRE(guest.call("clock_time_get", {4, 0, 100}) == Errno::inval);
    REQUIRE(guest.call("clock_res_get", {1, 100}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint64_t>(100) == 1);
}

TEST_CASE("random bytes fill a buffer of several pieces to its last byte", "[vm][host]") {
    GuestFixture guest;
    const std::string zeros(16, '\0');

    REQUIRE(guest.call("random_get", {100, 150'000}) == Errno::success);

    REQUIRE(guest.memory.get_text(100, 16) != zeros);
    REQUIRE(guest.memory.get_text(100 + 150'000 - 16, 16) != zeros);
    REQUIRE(guest.memory.get_text(84, 16) == zeros);
    REQUIRE(guest.memory.get_text(100 + 150'000, 16) == zeros);
}

TEST_CASE("an address outside the memory is a fault, and nothing has happened", "[vm][host]") {
    GuestFixture guest;
    const std::uint64_t outside =
        GENERATE(as<std::uint64_t>{}, test::BufferRegion::kBytes, test::BufferRegion::kBytes - 3,
                 0x7fff'ffff, 0xffff'ffff);
    guest.folder.write("file", "text");
    const auto file = guest.opened("file", 0, GuestFixture::kAllRights);
    guest.path("file");
    guest.iovec(0, GuestFixture::kBuffer, 4);
    guest.iovec(1, static_cast<std::uint32_t>(outside), 4);
    const auto path = GuestFixture::kPath;
    const auto iovecs = GuestFixture::kIovecs;
    const auto result = GuestFixture::kResult;

    REQUIRE(guest.call("args_get", {outside, 100}) == Errno::fault);
    REQUIRE(guest.call("args_get", {100, outside}) == Errno::fault);
    REQUIRE(guest.call("clock_time_get", {0, 0, outside}) == Errno::fault);
    REQUIRE(guest.call("random_get", {outside, 8}) == Errno::fault);
    REQUIRE(guest.call("fd_fdstat_get", {3, outside}) == Errno::fault);
    REQUIRE(guest.call("fd_prestat_dir_name", {3, outside, 5}) == Errno::fault);
    REQUIRE(guest.call("fd_readdir", {3, outside, 100, 0, result}) == Errno::fault);
    REQUIRE(guest.call("fd_write", {file, outside, 1, result}) == Errno::fault);
    REQUIRE(guest.call("fd_write", {file, iovecs, 2, result}) == Errno::fault);
    REQUIRE(guest.call("fd_write", {file, iovecs, 1, outside}) == Errno::fault);
    REQUIRE(guest.call("fd_read", {file, iovecs, 2, result}) == Errno::fault);
    REQUIRE(guest.call("fd_seek", {file, 1, 0, outside}) == Errno::fault);
    REQUIRE(guest.call("path_unlink_file", {3, outside, 4}) == Errno::fault);
    REQUIRE(guest.call("path_filestat_get", {3, 0, path, 4, outside}) == Errno::fault);
    REQUIRE(guest.call("path_open", {3, 0, path, 4, 9, GuestFixture::kAllRights, 0, 0, outside}) ==
            Errno::fault);
    REQUIRE(guest.call("poll_oneoff", {outside, 100, 1, result}) == Errno::fault);
    REQUIRE(guest.call("poll_oneoff", {100, outside, 1, result}) == Errno::fault);

    REQUIRE(guest.folder.read("file") == "text");
    REQUIRE(guest.read(file) == "text");
}

TEST_CASE("hostile counts are refused at once", "[vm][host]") {
    GuestFixture guest;
    const auto result = GuestFixture::kResult;

    REQUIRE(guest.call("fd_write", {1, 0, 0xffff'ffff, result}) == Errno::fault);
    REQUIRE(guest.call("fd_write", {1, 0, 2000, result}) == Errno::inval);
    REQUIRE(guest.call("poll_oneoff", {0, 0, 0xffff'ffff, result}) == Errno::inval);
    REQUIRE(guest.call("poll_oneoff", {0, 0, 0, result}) == Errno::inval);
    REQUIRE(guest.call("path_unlink_file", {3, 0, 100'000}) == Errno::nametoolong);
}

TEST_CASE("a module without a memory gets faults", "[vm][host]") {
    GuestFixture guest;
    const vm::FunctionType type{{vm::ValueType::i32, vm::ValueType::i32}, {vm::ValueType::i32}};
    const auto function = guest.dispatcher->find("wasi_snapshot_preview1", "random_get", type);
    const std::array<std::uint64_t, 2> arguments = {0, 1};
    std::uint64_t error = 0;

    guest.dispatcher->call(
        {.function = *function, .memory = nullptr, .arguments = arguments, .results = {&error, 1}});

    REQUIRE(static_cast<Errno>(error) == Errno::fault);
}
