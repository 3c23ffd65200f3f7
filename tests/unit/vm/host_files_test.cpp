#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/support/host_fixture.hpp"

using namespace sojourn;
using leases::Errno;
using test::GuestFixture;

namespace {

constexpr std::uint32_t kCreate = 1;
constexpr std::uint32_t kDirectory = 2;
constexpr std::uint32_t kTruncate = 8;
constexpr std::uint32_t kAppend = 1;
constexpr std::uint32_t kSync = 16;
constexpr auto kResult = GuestFixture::kResult;
constexpr auto kGrant = GuestFixture::kGrant;

struct Entry {
    std::uint64_t next;
    std::uint64_t inode;
    std::uint32_t name_length;
    std::uint32_t type;
};

/// All names, read with a buffer of `length` bytes as wasi-libc does it: what did not fit whole is
/// asked for again.
std::vector<std::string> list(GuestFixture& guest, std::uint32_t fd, std::uint64_t length) {
    std::vector<std::string> names;
    std::uint64_t cookie = 0;
    for (;;) {
        REQUIRE(guest.call("fd_readdir", {fd, GuestFixture::kBuffer, length, cookie, kResult}) ==
                Errno::success);
        const std::uint64_t used = guest.memory.get<std::uint32_t>(kResult);
        std::uint64_t at = 0;
        while (at + sizeof(Entry) <= used) {
            const auto entry = guest.memory.get<Entry>(GuestFixture::kBuffer + at);
            at += sizeof(Entry) + entry.name_length;
            if (at > used) break;
            names.push_back(guest.memory.get_text(GuestFixture::kBuffer + at - entry.name_length,
                                                  entry.name_length));
            cookie = entry.next;
        }
        if (used < length) return names;
    }
}

}  // namespace

TEST_CASE("granted directories are preopened from descriptor 3", "[vm][host]") {
    GuestFixture guest;

    REQUIRE(guest.call("fd_prestat_get", {3, kResult}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(kResult) == 0);
    REQUIRE(guest.memory.get<std::uint32_t>(kResult + 4) == 5);
    REQUIRE(guest.call("fd_prestat_dir_name", {3, 100, 4}) == Errno::nametoolong);
    REQUIRE(guest.call("fd_prestat_dir_name", {3, 100, 5}) == Errno::success);
    REQUIRE(guest.memory.get_text(100, 5) == "/data");
    REQUIRE(guest.call("fd_prestat_get", {4, kResult}) == Errno::badf);
    REQUIRE(guest.call("fd_prestat_get", {0, kResult}) == Errno::badf);
}

TEST_CASE("a guest writes, seeks and reads a file", "[vm][host]") {
    GuestFixture guest;
    const auto file = guest.opened("file", kCreate, GuestFixture::kAllRights);
    REQUIRE(file == 4);

    REQUIRE(guest.write(file, "0123456789") == Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(kResult) == 10);
    REQUIRE(guest.call("fd_seek", {file, static_cast<std::uint64_t>(-4), 2, kResult}) ==
            Errno::success);
    REQUIRE(guest.memory.get<std::uint64_t>(kResult) == 6);
    REQUIRE(guest.read(file) == "6789");
    REQUIRE(guest.call("fd_tell", {file, kResult}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint64_t>(kResult) == 10);

    guest.iovec(0, 5000, 2);
    guest.iovec(1, 6000, 0);
    guest.iovec(2, 7000, 3);
    REQUIRE(guest.call("fd_pread", {file, GuestFixture::kIovecs, 3, 1, kResult}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(kResult) == 5);
    REQUIRE(guest.memory.get_text(5000, 2) + guest.memory.get_text(7000, 3) == "12345");
    REQUIRE(guest.call("fd_pwrite", {file, GuestFixture::kIovecs, 3, 8, kResult}) ==
            Errno::success);
    REQUIRE(guest.folder.read("file") == "0123456712345");
    REQUIRE(guest.call("fd_close", {file}) == Errno::success);
    REQUIRE(guest.call("fd_close", {file}) == Errno::badf);
}

TEST_CASE("a transfer of several pieces moves every byte", "[vm][host]") {
    GuestFixture guest;
    const auto file = guest.opened("file", kCreate, GuestFixture::kAllRights);
    std::string text(200'000, '\0');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>(i * 31 >> 5);

    guest.memory.put_text(20'000, text);
    guest.iovec(0, 20'000, 70'001);
    guest.iovec(1, 90'001, 129'999);
    REQUIRE(guest.call("fd_write", {file, GuestFixture::kIovecs, 2, kResult}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(kResult) == 200'000);
    REQUIRE(guest.folder.read("file") == text);

    guest.memory.put_text(20'000, std::string(text.size(), '\0'));
    REQUIRE(guest.call("fd_pread", {file, GuestFixture::kIovecs, 2, 0, kResult}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(kResult) == 200'000);
    REQUIRE(guest.memory.get_text(20'000, text.size()) == text);
}

TEST_CASE("an appended file is right after a checkpoint, more writes, and a resume", "[vm][host]") {
    GuestFixture guest;
    const auto file = guest.opened("log", kCreate, GuestFixture::kWrite, kAppend);
    REQUIRE(guest.write(file, "one ") == Errno::success);
    const auto checkpoint = guest.checkpoint();
    REQUIRE(guest.write(file, "two ") == Errno::success);

    guest.resume(checkpoint);

    REQUIRE(guest.folder.read("log") == "one ");
    REQUIRE(guest.write(file, "two ") == Errno::success);
    REQUIRE(guest.folder.read("log") == "one two ");
}

TEST_CASE("descriptors live through a reincarnation with their positions", "[vm][host]") {
    GuestFixture guest;
    guest.folder.write("file", "0123456789");
    const auto file = guest.opened("file", 0, GuestFixture::kRead);
    REQUIRE(guest.read(file, 3) == "012");

    guest.reincarnate();

    REQUIRE(guest.read(file) == "3456789");
    REQUIRE(guest.call("fd_prestat_get", {3, kResult}) == Errno::success);
    REQUIRE(guest.opened("file", 0, GuestFixture::kRead) == file + 1);
}

TEST_CASE("rights that a descriptor lacks are refused", "[vm][host]") {
    GuestFixture guest;
    guest.folder.write("file", "text");
    const auto file = guest.opened("file", 0, GuestFixture::kRead);

    REQUIRE(guest.write(file, "x") == Errno::notcapable);
    REQUIRE(guest.call("fd_filestat_set_size", {file, 0}) == Errno::notcapable);
    REQUIRE(guest.call("fd_fdstat_set_rights", {file, GuestFixture::kWrite, 0}) ==
            Errno::notcapable);
    REQUIRE(guest.call("fd_fdstat_set_rights", {file, 0, 0}) == Errno::success);
    guest.iovec(0, 5000, 2);
    REQUIRE(guest.call("fd_read", {file, GuestFixture::kIovecs, 1, kResult}) == Errno::notcapable);

    REQUIRE(guest.call("fd_fdstat_set_rights", {kGrant, 1U << 13U, GuestFixture::kRead}) ==
            Errno::success);
    REQUIRE(guest.open("new", kCreate, GuestFixture::kWrite) == Errno::notcapable);
    REQUIRE(guest.open("file", kTruncate, GuestFixture::kRead) == Errno::notcapable);
    REQUIRE(guest.open("file", 0, GuestFixture::kRead | GuestFixture::kWrite) == Errno::notcapable);
    const auto reader = guest.opened("file", 0, GuestFixture::kRead);
    REQUIRE(guest.write(reader, "x") == Errno::notcapable);
    guest.iovec(0, GuestFixture::kBuffer, 1);
    REQUIRE(guest.call("fd_pread", {reader, GuestFixture::kIovecs, 1, 0, kResult}) ==
            Errno::notcapable);  // it may not seek
    REQUIRE(guest.open("file", 0, GuestFixture::kRead, kSync) == Errno::notcapable);
    REQUIRE(guest.folder.read("file") == "text");
}

TEST_CASE("wasi-libc recognises a grant and a pipe by their status", "[vm][host]") {
    GuestFixture guest;

    REQUIRE(guest.call("fd_fdstat_get", {kGrant, kResult}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint8_t>(kResult) == 3);
    const auto inheriting = guest.memory.get<std::uint64_t>(kResult + 16);
    REQUIRE((inheriting & (GuestFixture::kRead | GuestFixture::kWrite)) ==
            (GuestFixture::kRead | GuestFixture::kWrite));

    REQUIRE(guest.call("fd_fdstat_get", {1, kResult}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint8_t>(kResult) != 2);
    REQUIRE(guest.call("fd_seek", {1, 0, 1, kResult}) == Errno::spipe);
    REQUIRE(guest.call("fd_tell", {1, kResult}) == Errno::spipe);
    REQUIRE(guest.call("sock_shutdown", {1, 0}) == Errno::notsock);
    REQUIRE(guest.call("sock_shutdown", {9, 0}) == Errno::badf);
}

TEST_CASE("a directory is read whole with a small buffer and with a big one", "[vm][host]") {
    GuestFixture guest;
    std::vector<std::string> expected = {".", ".."};
    for (int i = 100; i < 150; ++i) {
        expected.push_back("name" + std::to_string(i));
        guest.folder.write(expected.back(), "");
    }

    const std::uint64_t length = GENERATE(as<std::uint64_t>{}, 32, 100, 4096, 65'536);

    REQUIRE(list(guest, kGrant, length) == expected);
}

TEST_CASE("a directory is read on after a reincarnation", "[vm][host]") {
    GuestFixture guest;
    for (const char* name : {"a", "b", "c"})
        guest.folder.write(name, "");
    constexpr std::uint64_t kTwo = 2 * sizeof(Entry) + 3;  // "." and ".."
    REQUIRE(guest.call("fd_readdir", {kGrant, GuestFixture::kBuffer, kTwo, 0, kResult}) ==
            Errno::success);
    guest.folder.write("A", "");

    guest.reincarnate();

    REQUIRE(guest.call("fd_readdir", {kGrant, GuestFixture::kBuffer, 1000, 2, kResult}) ==
            Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(kResult) == 3 * (sizeof(Entry) + 1));
    REQUIRE(guest.memory.get_text(GuestFixture::kBuffer + sizeof(Entry), 1) == "a");
}

TEST_CASE("a directory below another is a descriptor of its own", "[vm][host]") {
    GuestFixture guest;
    REQUIRE(guest.call("path_create_directory", {kGrant, guest.path("inner"), 5}) ==
            Errno::success);
    const auto inner = guest.opened("inner", kDirectory, GuestFixture::kAllRights);
    guest.folder.write("inner/file", "text");

    REQUIRE(guest.call("path_open", {inner, 0, guest.path("file"), 4, 0, GuestFixture::kRead, 0, 0,
                                     kResult}) == Errno::success);
    REQUIRE(guest.read(guest.memory.get<std::uint32_t>(kResult)) == "text");
    REQUIRE(guest.call("path_open", {inner, 0, guest.path("../x"), 4, 1, GuestFixture::kWrite, 0, 0,
                                     kResult}) == Errno::perm);
    REQUIRE(guest.call("path_open", {4 + 1, 0, guest.path("x"), 1, 1, GuestFixture::kWrite, 0, 0,
                                     kResult}) == Errno::notdir);
    REQUIRE(guest.call("fd_prestat_get", {inner, kResult}) == Errno::badf);
}

TEST_CASE("names are linked, moved, read and removed", "[vm][host]") {
    GuestFixture guest;
    guest.folder.write("a", "text");
    guest.path("a");
    guest.path("b", GuestFixture::kPath + 100);
    const auto a = GuestFixture::kPath;
    const auto b = a + 100;

    REQUIRE(guest.call("path_symlink", {a, 1, kGrant, b, 1}) == Errno::success);
    REQUIRE(guest.call("path_readlink", {kGrant, b, 1, 500, 10, kResult}) == Errno::success);
    REQUIRE(guest.memory.get_text(500, guest.memory.get<std::uint32_t>(kResult)) == "a");
    REQUIRE(guest.call("path_filestat_get", {kGrant, 0, b, 1, 600}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint8_t>(600 + 16) == 7);
    REQUIRE(guest.call("path_filestat_get", {kGrant, 1, b, 1, 600}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint8_t>(600 + 16) == 4);
    REQUIRE(guest.memory.get<std::uint64_t>(600 + 32) == 4);
    REQUIRE(guest.call("path_rename", {kGrant, a, 1, kGrant, b, 1}) == Errno::success);
    REQUIRE(guest.folder.read("b") == "text");
    REQUIRE(guest.call("path_link", {kGrant, 0, b, 1, kGrant, a, 1}) == Errno::success);
    REQUIRE(guest.call("path_link", {kGrant, 1, b, 1, kGrant, a, 1}) == Errno::inval);
    REQUIRE(guest.call("path_unlink_file", {kGrant, b, 1}) == Errno::success);
    REQUIRE(guest.call("path_remove_directory", {kGrant, a, 1}) == Errno::notdir);
    REQUIRE(guest.folder.read("a") == "text");
}

TEST_CASE("an open file is found again under the name the guest gave it", "[vm][host]") {
    GuestFixture guest;
    guest.call("path_create_directory", {kGrant, guest.path("inner"), 5});
    guest.folder.write("inner/file", "text");
    guest.folder.write("inner2", "other");
    const auto file = guest.opened("inner/file", 0, GuestFixture::kRead);
    const auto other = guest.opened("inner2", 0, GuestFixture::kRead);
    const auto from = guest.path("inner");
    const auto to = guest.path("moved", GuestFixture::kPath + 100);
    REQUIRE(guest.call("path_rename", {kGrant, from, 5, kGrant, to, 5}) == Errno::success);
    REQUIRE(guest.call("path_create_directory", {kGrant, from, 5}) == Errno::success);
    guest.folder.write("inner/file", "impostor");

    guest.reincarnate();

    REQUIRE(guest.read(file) == "text");
    REQUIRE(guest.read(other) == "other");
}

TEST_CASE("a file whose name goes while its lease is expired is still there", "[vm][host]") {
    const bool is_replaced = GENERATE(false, true);
    GuestFixture guest;
    const auto file = guest.opened("scratch", kCreate, GuestFixture::kAllRights);
    REQUIRE(guest.write(file, "mine") == Errno::success);
    guest.folder.write("other", "another");
    REQUIRE(guest.leases->expire_all().ok());

    if (is_replaced) {
        const auto from = guest.path("other");
        const auto to = guest.path("scratch", GuestFixture::kPath + 100);
        REQUIRE(guest.call("path_rename", {kGrant, from, 5, kGrant, to, 7}) == Errno::success);
    } else {
        REQUIRE(guest.call("path_unlink_file", {kGrant, guest.path("scratch"), 7}) ==
                Errno::success);
    }
    REQUIRE(guest.leases->expire_all().ok());

    REQUIRE(guest.call("fd_seek", {file, 0, 0, kResult}) == Errno::success);
    REQUIRE(guest.read(file) == "mine");
}

TEST_CASE("times are set as asked and no others", "[vm][host]") {
    GuestFixture guest;
    guest.folder.write("file", "");
    const auto name = (guest.folder.path() / "file");
    struct stat before {};
    ::stat(name.c_str(), &before);

    REQUIRE(guest.call("path_filestat_set_times",
                       {kGrant, 1, guest.path("file"), 4, 0, 7'000'000'005, 4}) == Errno::success);
    REQUIRE(guest.call("path_filestat_set_times", {kGrant, 1, guest.path("file"), 4, 0, 0, 12}) ==
            Errno::inval);

    struct stat after {};
    ::stat(name.c_str(), &after);
    REQUIRE(after.st_mtim.tv_sec == 7);
    REQUIRE(after.st_mtim.tv_nsec == 5);
    REQUIRE(after.st_atim.tv_sec == before.st_atim.tv_sec);
}

TEST_CASE("renumbering moves a descriptor onto another", "[vm][host]") {
    GuestFixture guest;
    guest.folder.write("a", "first");
    guest.folder.write("b", "second");
    const auto a = guest.opened("a", 0, GuestFixture::kRead);
    const auto b = guest.opened("b", 0, GuestFixture::kRead);

    REQUIRE(guest.call("fd_renumber", {b, 99}) == Errno::badf);
    REQUIRE(guest.call("fd_renumber", {b, a}) == Errno::success);

    REQUIRE(guest.read(a) == "second");
    REQUIRE(guest.call("fd_close", {b}) == Errno::badf);
    REQUIRE(guest.opened("a", 0, GuestFixture::kRead) == b);
}

TEST_CASE("a lost file is an input/output error at each use, and can be closed", "[vm][host]") {
    GuestFixture guest;
    guest.folder.write("file", "text");
    const auto file = guest.opened("file", 0, GuestFixture::kRead);
    const auto saved_leases = *guest.leases->capture();
    const auto saved_calls = guest.dispatcher->capture();
    std::filesystem::remove(guest.folder.path() / "file");

    guest.leases = *leases::LeaseManager::restore(saved_leases, guest.host, store::Epoch{2});
    guest.leases->reestablish_all();
    guest.dispatcher = *vm::Dispatcher::restore(*guest.leases, saved_calls, guest.supervisor);

    guest.iovec(0, 5000, 2);
    REQUIRE(guest.call("fd_read", {file, GuestFixture::kIovecs, 1, kResult}) == Errno::io);
    REQUIRE(guest.call("fd_filestat_get", {file, kResult}) == Errno::notcapable);
    REQUIRE(guest.call("fd_fdstat_get", {file, kResult}) == Errno::io);
    REQUIRE(guest.call("fd_close", {file}) == Errno::success);
}
