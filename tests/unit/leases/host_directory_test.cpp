#include "leases/host_directory.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_of(Answer<std::span<const DirectoryEntry>> entries) {
    std::vector<std::string> names;
    for (const DirectoryEntry& entry : *entries)
        names.push_back(entry.name);
    return names;
}

/// The directory as another incarnation gets it.
std::unique_ptr<Service> resumed(HostDirectory& directory, const Host& host) {
    auto state = directory.capture();
    auto restored = restore_service(ServiceKind::directory, *state);
    REQUIRE(restored.ok());
    REQUIRE((*restored)->reacquire(host).ok());
    return std::move(*restored);
}

}  // namespace

TEST_CASE("a read-only grant refuses every change", "[leases]") {
    const TemporaryFolder folder;
    folder.write("file", "text");
    fs::create_directory(folder.path() / "inner");
    const auto directory = granted(folder, true);
    const auto writable = granted(folder);

    REQUIRE(directory->open("file", {.write = true}).error() == Errno::rofs);
    REQUIRE(directory->open("file", {.truncate = true, .read = true}).error() == Errno::rofs);
    REQUIRE(directory->open("new", {.create = true, .read = true}).error() == Errno::rofs);
    REQUIRE(directory->create_directory("new") == Errno::rofs);
    REQUIRE(directory->remove_directory("inner") == Errno::rofs);
    REQUIRE(directory->unlink_file("file") == Errno::rofs);
    REQUIRE(directory->rename("file", *directory, "new") == Errno::rofs);
    REQUIRE(writable->rename("file", *directory, "new") == Errno::rofs);
    REQUIRE(directory->link("file", *writable, "new") == Errno::rofs);
    REQUIRE(directory->symlink("file", "new") == Errno::rofs);
    REQUIRE(directory->set_times({}) == Errno::rofs);
    REQUIRE(directory->set_times_of("file", true, {}) == Errno::rofs);

    auto inner = directory->open("inner", {.directory = true, .read = true});
    REQUIRE(inner.ok());
    REQUIRE(static_cast<HostDirectory&>(**inner).create_directory("new") == Errno::rofs);
    auto file = directory->open("file", {.create = true, .read = true});
    REQUIRE(file.ok());
    REQUIRE(*read_text(**file) == "text");
    REQUIRE((*file)->set_size(0) == Errno::rofs);
    REQUIRE((*file)->set_times({}) == Errno::rofs);
    REQUIRE(folder.read("file") == "text");
}

TEST_CASE("names are made, moved and removed below a grant", "[leases]") {
    const TemporaryFolder folder;
    const auto directory = granted(folder);

    REQUIRE(directory->create_directory("a") == Errno::success);
    REQUIRE(directory->create_directory("a/b/") == Errno::success);
    REQUIRE(directory->create_directory("a") == Errno::exist);
    folder.write("a/file", "text");
    REQUIRE(directory->link("a/file", *directory, "a/b/hard") == Errno::success);
    REQUIRE(directory->symlink("b/hard", "a/soft") == Errno::success);
    REQUIRE(*directory->read_link("a/soft") == "b/hard");
    REQUIRE(directory->read_link("a/file").error() == Errno::inval);
    REQUIRE(directory->status_of("a/soft", true)->link_count == 2);
    REQUIRE(directory->status_of("a/soft", false)->type == FileType::symbolic_link);
    REQUIRE(directory->rename("a/file", *directory, "moved") == Errno::success);
    REQUIRE(directory->rename("moved/", *directory, "again") == Errno::notdir);
    REQUIRE(folder.read("moved") == "text");
    REQUIRE(directory->unlink_file("a") == Errno::isdir);
    REQUIRE(directory->unlink_file("moved/") == Errno::notdir);
    REQUIRE(directory->remove_directory("a") == Errno::notempty);
    REQUIRE(directory->remove_directory("moved") == Errno::notdir);
    REQUIRE(directory->unlink_file("a/b/hard") == Errno::success);
    REQUIRE(directory->remove_directory("a/b/") == Errno::success);
    REQUIRE_FALSE(fs::exists(folder.path() / "a/b"));
}

TEST_CASE("changing names does not lead out of a grant", "[leases]") {
    const TemporaryFolder folder;
    fs::create_directories(folder.path() / "grant");
    fs::create_directories(folder.path() / "outside");
    folder.write("outside/secret", "secret");
    folder.write("grant/file", "file");
    fs::create_symlink("../outside", folder.path() / "grant/out");
    const auto directory =
        *HostDirectory::grant({.grant = folder.name() + "/grant", .path = {}}, "/", nullptr);

    REQUIRE(directory->create_directory("out/new") == Errno::perm);
    REQUIRE(directory->unlink_file("out/secret") == Errno::perm);
    REQUIRE(directory->unlink_file("../outside/secret") == Errno::perm);
    REQUIRE(directory->rename("file", *directory, "out/file") == Errno::perm);
    REQUIRE(directory->rename("out/secret", *directory, "mine") == Errno::perm);
    REQUIRE(directory->link("out/secret", *directory, "mine") == Errno::perm);
    REQUIRE(directory->link("out/", *directory, "mine") == Errno::notdir);
    REQUIRE(directory->symlink("/etc/passwd", "mine") == Errno::perm);
    REQUIRE(directory->set_times_of("out/secret", true, {}) == Errno::perm);
    REQUIRE(directory->status_of("out/secret", true).error() == Errno::perm);
    REQUIRE(directory->remove_directory("out/") == Errno::notdir);
    REQUIRE(folder.read("outside/secret") == "secret");
    REQUIRE(fs::is_directory(folder.path() / "outside"));

    // A link that the guest makes is as useless to it as one that it finds.
    REQUIRE(directory->symlink("../outside/secret", "mine") == Errno::success);
    REQUIRE(directory->open("mine", {.read = true}).error() == Errno::perm);
    // Renaming over a link replaces the link.
    REQUIRE(directory->rename("file", *directory, "mine") == Errno::success);
    REQUIRE(folder.read("outside/secret") == "secret");
    REQUIRE(folder.read("grant/mine") == "file");
}

TEST_CASE("what is neither file nor directory is not opened, and opening it does not hang",
          "[leases]") {
    const TemporaryFolder folder;
    REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
    const auto directory = granted(folder);

    REQUIRE(directory->open("pipe", {.read = true}).error() == Errno::notsup);
}

TEST_CASE("a directory is listed in the order of names", "[leases]") {
    const TemporaryFolder folder;
    for (const char* name : {"c", "a", "b"})
        folder.write(name, "");
    const auto directory = granted(folder);

    REQUIRE(names_of(directory->entries_from(0)) ==
            std::vector<std::string>{".", "..", "a", "b", "c"});
    REQUIRE(names_of(directory->entries_from(3)) == std::vector<std::string>{"b", "c"});
    REQUIRE(names_of(directory->entries_from(99)).empty());
}

TEST_CASE("a listing under way is the same after a resume", "[leases]") {
    HostFixture fixture;
    const TemporaryFolder folder;
    for (const char* name : {"a", "b", "c"})
        folder.write(name, "");
    const auto directory = granted(folder);
    REQUIRE(names_of(directory->entries_from(0)).size() == 5);
    folder.write("aa", "");

    const auto service = resumed(*directory, fixture.host);
    auto& restored = static_cast<HostDirectory&>(*service);

    REQUIRE(names_of(restored.entries_from(3)) == std::vector<std::string>{"b", "c"});
    REQUIRE(names_of(restored.entries_from(0)).size() == 6);
}

TEST_CASE("a directory below a grant is found again by its name", "[leases]") {
    HostFixture fixture;
    const TemporaryFolder folder;
    fs::create_directories(folder.path() / "a/b");
    folder.write("a/b/file", "text");
    const auto grant = granted(folder);
    auto a = grant->open("./a", {.directory = true, .read = true});
    auto b = static_cast<HostDirectory&>(**a).open("b//", {.directory = true, .read = true});
    auto& opened = static_cast<HostDirectory&>(**b);

    const auto service = resumed(opened, fixture.host);

    auto file = static_cast<HostDirectory&>(*service).open("file", {.read = true});
    REQUIRE(file.ok());
    REQUIRE(*read_text(**file) == "text");
    REQUIRE(service->description() == "directory " + folder.name() + "/a/b");
}

TEST_CASE("a directory that is gone can't be had again", "[leases]") {
    HostFixture fixture;
    const TemporaryFolder folder;
    fs::create_directories(folder.path() / "grant");
    const auto directory =
        *HostDirectory::grant({.grant = folder.name() + "/grant", .path = {}}, "/", nullptr);
    const auto state = directory->capture();
    fs::remove(folder.path() / "grant");

    const auto restored = restore_service(ServiceKind::directory, *state);
    const auto reacquired = (*restored)->reacquire(fixture.host);

    REQUIRE(reacquired.error().code == ErrorCode::not_found);
}

TEST_CASE("a grant of what is not there names it", "[leases]") {
    const auto granted =
        HostDirectory::grant({.grant = "/nowhere/at/all", .path = {}}, "/", nullptr);

    REQUIRE(granted.error().code == ErrorCode::not_found);
    REQUIRE(granted.error().message.find("/nowhere/at/all") != std::string::npos);
}
