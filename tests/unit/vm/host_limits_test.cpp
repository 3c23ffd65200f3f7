#include <catch2/catch.hpp>

#include "tests/support/host_fixture.hpp"

using namespace sojourn;
using leases::Errno;
using test::GuestFixture;
using Kind = vm::HostOutcome::Kind;

namespace {

constexpr auto kResult = GuestFixture::kResult;
constexpr auto kGrant = GuestFixture::kGrant;
constexpr std::uint32_t kDirectory = 2;

}  // namespace

TEST_CASE("a guest opens no more than the host allows, and a closed number is the next",
          "[vm][host][limits]") {
    GuestFixture guest;
    guest.host.descriptors_max = 10;
    guest.folder.write("file", "text");

    for (std::uint32_t expected = 4; expected < 10; ++expected)
        REQUIRE(guest.opened("file", 0, GuestFixture::kRead) == expected);
    REQUIRE(guest.open("file", 0, GuestFixture::kRead) == Errno::mfile);
    REQUIRE(guest.call("fd_close", {7}) == Errno::success);
    REQUIRE(guest.call("fd_close", {5}) == Errno::success);
    guest.reincarnate();
    REQUIRE(guest.opened("file", 0, GuestFixture::kRead) == 5);
    REQUIRE(guest.opened("file", 0, GuestFixture::kRead) == 7);
    REQUIRE(guest.open("file", 0, GuestFixture::kRead) == Errno::mfile);
}

TEST_CASE("names and lists of buffers beyond the host's own limits are refused",
          "[vm][host][limits]") {
    GuestFixture guest;
    REQUIRE(guest.call("path_create_directory", {kGrant, 0, 4096}) == Errno::nametoolong);
    REQUIRE(guest.call("fd_read", {0, 0, 1025, kResult}) == Errno::inval);
    REQUIRE(guest.call("poll_oneoff", {0, 0, 4097, kResult}) == Errno::inval);
    REQUIRE(guest.call("random_get", {0, test::BufferRegion::kBytes + 1}) == Errno::fault);
}

TEST_CASE("a descriptor's name can't be made longer and longer", "[vm][host][limits]") {
    GuestFixture guest;
    REQUIRE(guest.call("path_create_directory", {kGrant, guest.path("a"), 1}) == Errno::success);
    std::string winding;
    for (int i = 0; i < 500; ++i)
        winding += "a/../";
    winding += "a/..";

    std::uint32_t fd = kGrant;
    Errno error = Errno::success;
    for (int i = 0; i < 3 && error == Errno::success; ++i) {
        error = guest.call("path_open", {fd, 1, guest.path(winding, GuestFixture::kBuffer),
                                         winding.size(), kDirectory, GuestFixture::kAllRights,
                                         GuestFixture::kAllRights, 0, kResult});
        fd = guest.memory.get<std::uint32_t>(kResult);
    }

    REQUIRE(error == Errno::nametoolong);
}

TEST_CASE("unknown flags are refused before anything happens", "[vm][host]") {
    GuestFixture guest;
    const auto name = guest.path("new");
    const auto all = GuestFixture::kAllRights;

    REQUIRE(guest.call("path_open", {kGrant, 2, name, 3, 1, all, all, 0, kResult}) == Errno::inval);
    REQUIRE(guest.call("path_open", {kGrant, 0, name, 3, 17, all, all, 0, kResult}) ==
            Errno::inval);
    REQUIRE(guest.call("path_open", {kGrant, 0, name, 3, 1, all, all, 32, kResult}) ==
            Errno::inval);
    REQUIRE(guest.call("path_filestat_get", {kGrant, 2, name, 3, kResult}) == Errno::inval);
    REQUIRE(guest.call("path_filestat_set_times", {kGrant, 2, name, 3, 0, 0, 0}) == Errno::inval);
    REQUIRE(guest.call("path_link", {kGrant, 2, name, 3, kGrant, name, 3}) == Errno::inval);
    REQUIRE(guest.call("path_link", {kGrant, 1, name, 3, kGrant, name, 3}) == Errno::inval);
    REQUIRE_FALSE(std::filesystem::exists(guest.folder.path() / "new"));
}

TEST_CASE("a signal ends the guest, is ignored, or is refused, as it would without a handler",
          "[vm][host]") {
    GuestFixture guest;

    const auto aborted = guest.call_for_outcome("proc_raise", {6});
    REQUIRE(aborted.kind == Kind::exited);
    REQUIRE(aborted.exit_code == 134);
    REQUIRE(guest.call("proc_raise", {0}) == Errno::success);
    REQUIRE(guest.call("proc_raise", {27}) == Errno::success);
    REQUIRE(guest.call("proc_raise", {18}) == Errno::notsup);
    REQUIRE(guest.call("proc_raise", {31}) == Errno::inval);
}

TEST_CASE("with a seed random bytes are the same, in whatever pieces and across a reincarnation",
          "[vm][host]") {
    GuestFixture whole;
    whole.launch.seed = 42;
    whole.start();
    REQUIRE(whole.call("random_get", {1000, 100}) == Errno::success);

    GuestFixture pieces;
    pieces.launch.seed = 42;
    pieces.start();
    REQUIRE(pieces.call("random_get", {1000, 33}) == Errno::success);
    pieces.reincarnate();
    REQUIRE(pieces.call("random_get", {1033, 67}) == Errno::success);

    REQUIRE(pieces.memory.get_text(1000, 100) == whole.memory.get_text(1000, 100));
    GuestFixture other;
    other.launch.seed = 43;
    other.start();
    REQUIRE(other.call("random_get", {1000, 100}) == Errno::success);
    REQUIRE(other.memory.get_text(1000, 100) != whole.memory.get_text(1000, 100));
}

TEST_CASE("what imports are not provided is told with what may have been meant", "[vm][host]") {
    GuestFixture guest;
    const auto suggest = [&](std::string_view module, std::string_view name) {
        return guest.dispatcher->suggest(module, name, vm::ValueType::i32);
    };

    REQUIRE(suggest("wasi_snapshot_preview1", "fd_wrte") ==
            "nearest is \"wasi_snapshot_preview1\" \"fd_write\"");
    REQUIRE(suggest("wasi_unstable", "proc_exit") ==
            "nearest is \"wasi_snapshot_preview1\" \"proc_exit\"");
    REQUIRE(suggest("sojourn", "checkpiont") == "nearest is \"sojourn\" \"checkpoint\"");
    REQUIRE(suggest("wasi_snapshot_preview1", "fd_seek") ==
            "its type is (i32 i64 i32 i32) -> (i32)");
    REQUIRE(suggest("env", "emscripten_resize_heap").empty());
    REQUIRE(suggest("env", std::string(100'000, 'f')).empty());
    REQUIRE(suggest("env", "").empty());
}
