#include "leases/volume/volume_directory.hpp"

#include <catch2/catch.hpp>

#include "leases/volume/volume_file.hpp"
#include "tests/support/lease_fixture.hpp"
#include "tests/support/memory_disk.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;

namespace {

constexpr std::uint64_t kSizeBytes = std::uint64_t{64} << 20U;

/// A process's volumes, and leases on them.
struct VolumesFixture : HostFixture {
    MemoryDisks disks;
    std::unique_ptr<Volumes> volumes = std::make_unique<Volumes>(disks, clock);

    VolumesFixture() { host.volumes = volumes.get(); }

    std::unique_ptr<VolumeDirectory> given(std::string_view name, bool is_read_only = false) {
        auto disk = *volumes->find(name);
        if (!disk) disk = *volumes->create(name, kSizeBytes);
        return *VolumeDirectory::grant(*disk, "/data", is_read_only, host);
    }

    /// As another life of the process gets it.
    Result<std::unique_ptr<Service>> resumed(Service& service) {
        const ServiceKind kind = service.kind();
        const auto state = service.capture();
        volumes = std::make_unique<Volumes>(disks, clock);
        host.volumes = volumes.get();
        auto restored = TRY(restore_service(kind, *state));
        TRY(restored->reacquire(host));
        return restored;
    }
};

Errno write_file(Directory& directory, std::string_view path, const std::string& text) {
    auto file = directory.open(path, {.create = true, .write = true});
    if (!file.ok()) return file.error();
    const Errno error = write_text(**file, text);
    (*file)->let_go();
    return error;
}

}  // namespace

TEST_CASE("a read-only view of a volume refuses every change", "[leases][volume]") {
    VolumesFixture fixture;
    const auto writable = fixture.given("data");
    const auto directory = fixture.given("data", true);
    REQUIRE(write_file(*writable, "file", "text") == Errno::success);
    REQUIRE(writable->create_directory("inner") == Errno::success);

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
    REQUIRE(static_cast<Directory&>(**inner).create_directory("new") == Errno::rofs);
    auto file = directory->open("file", {.create = true, .read = true});
    REQUIRE(*read_text(**file) == "text");
    REQUIRE((*file)->set_size(0) == Errno::rofs);
    REQUIRE((*file)->set_times({}) == Errno::rofs);
}

TEST_CASE("nothing is linked or renamed out of a volume", "[leases][volume]") {
    VolumesFixture fixture;
    const TemporaryFolder folder;
    const auto host = granted(folder);
    const auto one = fixture.given("one");
    const auto other = fixture.given("other");
    REQUIRE(write_file(*one, "file", "text") == Errno::success);
    folder.write("file", "text");

    REQUIRE(one->rename("file", *host, "new") == Errno::xdev);
    REQUIRE(host->rename("file", *one, "new") == Errno::xdev);
    REQUIRE(one->link("file", *host, "new") == Errno::xdev);
    REQUIRE(host->link("file", *one, "new") == Errno::xdev);
    REQUIRE(one->rename("file", *other, "new") == Errno::xdev);
    REQUIRE(one->link("file", *other, "new") == Errno::xdev);
    REQUIRE(one->status_of("file", true)->device != other->status()->device);
}

TEST_CASE("a file of a volume goes on in another life where it was", "[leases][volume]") {
    VolumesFixture fixture;
    const auto directory = fixture.given("data");
    REQUIRE(write_file(*directory, "file", "0123456789") == Errno::success);
    auto file = directory->open("file", {.read = true, .write = true});
    REQUIRE(*read_text(**file, 4) == "0123");
    REQUIRE(directory->rename("file", *directory, "moved") == Errno::success);
    REQUIRE(directory->unlink_file("moved") == Errno::success);

    const auto restored = fixture.resumed(**file);

    REQUIRE(restored.ok());
    auto& again = static_cast<VolumeFile&>(**restored);
    REQUIRE(*read_text(again) == "456789");
    REQUIRE(again.description() == "file data:/file (read, write)");
    REQUIRE(again.status()->link_count == 0);
}

TEST_CASE("a listing of a volume under way is the same after a resume", "[leases][volume]") {
    VolumesFixture fixture;
    const auto directory = fixture.given("data");
    for (const char* name : {"c", "a", "b"})
        REQUIRE(write_file(*directory, name, "") == Errno::success);
    REQUIRE(directory->entries_from(0)->size() == 5);
    REQUIRE(write_file(*directory, "aa", "") == Errno::success);

    const auto restored = fixture.resumed(*directory);
    auto& again = static_cast<Directory&>(**restored);

    REQUIRE((*again.entries_from(3))[0].name == "b");
    REQUIRE(again.entries_from(0)->size() == 6);
}

TEST_CASE("a recipe reaches nothing in a volume that is not open there", "[leases][volume]") {
    VolumesFixture fixture;
    const auto directory = fixture.given("data");
    REQUIRE(write_file(*directory, "closed", "text") == Errno::success);
    auto file = directory->open("file", {.create = true, .write = true});
    const auto closed = directory->status_of("closed", true)->inode;
    const auto state = (*file)->capture();

    for (const std::uint64_t inode : {closed, std::uint64_t{1}, std::uint64_t{0}, UINT64_MAX}) {
        ByteVector changed = *state;
        // Behind the disk, the volume's name and the path, with their lengths.
        const auto index = static_cast<std::uint32_t>(inode);
        std::memcpy(&changed[4 + 4 + 4 + 4 + 4], &index, sizeof(index));
        const auto service = restore_service(ServiceKind::volume_file, changed);
        REQUIRE(service.ok());
        REQUIRE((*service)->reacquire(fixture.host).error().code == ErrorCode::corrupt);
    }
}

TEST_CASE("saved leases on a volume with any byte changed are refused or valid",
          "[leases][volume]") {
    VolumesFixture fixture;
    const auto directory = fixture.given("data");
    REQUIRE(directory->entries_from(0).ok());
    auto file = directory->open("file", {.create = true, .write = true});
    Descriptor* const services[] = {directory.get(), file->get()};

    for (Descriptor* service : services) {
        const auto state = service->capture();
        for (std::size_t at = 0; at < (*state).size(); ++at) {
            for (const int flipped : {1, 128, 255}) {
                ByteVector changed = *state;
                changed[at] ^= static_cast<std::byte>(flipped);
                const auto restored = restore_service(service->kind(), changed);
                if (restored.ok() && (*restored)->reacquire(fixture.host).ok())
                    REQUIRE((*restored)->capture().ok());
            }
        }
    }
}
