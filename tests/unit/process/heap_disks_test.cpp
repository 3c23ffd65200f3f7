#include "process/heap_disks.hpp"

#include <catch2/catch.hpp>

#include "heap/stored_heap.hpp"
#include "tests/support/heap_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using leases::DiskId;
using leases::Errno;
using leases::kRootInode;
using leases::Volume;

namespace {

constexpr std::uint64_t kSizeBytes = std::uint64_t{32} << 20U;

/// A volume with a file of so many bytes that its pages leave a small cache.
class WrittenVolume {
public:
    explicit WrittenVolume(heap::Heap& heap, const Clock& clock)
        : disks_(heap), volumes_(disks_, clock) {}

    void create() {
        REQUIRE(volumes_.create("data", kSizeBytes).ok());
        const auto file = *volume().open(kRootInode, "file", {.create = true, .write = true});
        std::string text = content();
        const iovec buffer{.iov_base = text.data(), .iov_len = text.size()};
        REQUIRE(*volume().write(file.inode, 0, {&buffer, 1}) == text.size());
        volume().close(file.inode);
    }

    Volume& volume() { return **volumes_.find(**volumes_.find("data")); }
    DiskId disk() { return **volumes_.find("data"); }

    leases::Answer<std::string> read() {
        const auto file = TRY(volume().find(kRootInode, "file", true));
        std::string text(content().size() + 10, '\0');
        const iovec buffer{.iov_base = text.data(), .iov_len = text.size()};
        text.resize(TRY(volume().read(file.inode, 0, {&buffer, 1})));
        return text;
    }

    static std::string content() {
        std::string text(3'000'000, '\0');
        for (std::size_t i = 0; i < text.size(); ++i)
            text[i] = static_cast<char>('a' + i % 23);
        return text;
    }

private:
    process::HeapDisks disks_;
    leases::Volumes volumes_;
};

}  // namespace

TEST_CASE("a volume is in the heap's next life what it was", "[process][volume]") {
    const auto mechanism = GENERATE(from_range(kMechanisms));
    const auto cache = GENERATE(from_range(kCaches));
    if (!heap::choose_mechanism(mechanism, heap::Eviction::needed).ok()) return;
    HeapFixture fixture(mechanism, cache);
    {
        const auto heap = fixture.create();
        WrittenVolume written(*heap, fixture.clock());
        written.create();
        REQUIRE(commit(*heap).ok());
        // What was not committed is not there.
        REQUIRE(written.volume().unlink_file(kRootInode, "file").ok());
    }

    const auto heap = fixture.open();
    WrittenVolume restored(*heap, fixture.clock());

    REQUIRE(*restored.read() == WrittenVolume::content());
    REQUIRE(restored.volume().verify() == std::vector<std::string>());
    REQUIRE(restored.volume().unlink_file(kRootInode, "file").ok());
    REQUIRE(commit(*heap).ok());
    REQUIRE(heap->verify() == std::vector<std::string>());
}

TEST_CASE("a region that is no disk is not taken for one", "[process][volume]") {
    HeapFixture fixture(heap::MechanismKind::mprotect);
    const auto heap = fixture.create();
    heap::Region& memory = add_memory(*heap, 65'536);
    process::HeapDisks disks(*heap);

    REQUIRE(disks.find(DiskId{static_cast<std::uint32_t>(memory.id())}) == nullptr);
    REQUIRE(disks.find(DiskId{7}) == nullptr);
    REQUIRE(disks.find(DiskId{0}) == nullptr);
    REQUIRE(disks.all().empty());
}

TEST_CASE("a page of a volume that can't be had is an error of the file", "[process][volume]") {
    HeapFixture fixture(heap::MechanismKind::mprotect);
    store::RegionId region{};
    {
        const auto heap = fixture.create();
        WrittenVolume written(*heap, fixture.clock());
        written.create();
        region = store::RegionId{static_cast<std::uint32_t>(written.disk())};
        REQUIRE(commit(*heap).ok());
    }
    // Behind what the volume keeps of itself.
    fixture.family->damaged_unit = store::UnitKey{region, store::UnitIndex{64}};

    const auto heap = fixture.open();
    WrittenVolume restored(*heap, fixture.clock());

    REQUIRE(restored.read().error() == Errno::io);
}

TEST_CASE("the heap of a checkpoint is read without being opened", "[process][volume]") {
    HeapFixture fixture(heap::MechanismKind::mprotect);
    std::vector<std::byte> disk(kSizeBytes);
    store::Version checkpoint{};
    {
        const auto heap = fixture.create();
        WrittenVolume written(*heap, fixture.clock());
        written.create();
        checkpoint = commit(*heap)->id;
        const heap::Region& region = *heap->regions().front();
        disk.assign(region.base(), region.base() + region.size_bytes());
        REQUIRE(written.volume().unlink_file(kRootInode, "file").ok());
        REQUIRE(commit(*heap).ok());
    }

    auto stored = heap::StoredHeap::open(fixture.family, checkpoint, store::kUnitBytesDefault);

    REQUIRE(stored.ok());
    REQUIRE(stored->regions().size() == 1);
    const auto& region = stored->regions().front();
    REQUIRE(region.kind == heap::RegionKind::volume);
    REQUIRE(region.size_bytes == disk.size());
    std::vector<std::byte> read(disk.size() - 5);
    REQUIRE(stored->read(region, 5, read).ok());
    REQUIRE(std::equal(read.begin(), read.end(), disk.begin() + 5));
    REQUIRE(stored->expect_there().ok());
    REQUIRE(heap::StoredHeap::open(fixture.family, checkpoint, 4096).error().code ==
            ErrorCode::corrupt);
    REQUIRE(fixture.family->remove_checkpoint(checkpoint).ok());
    REQUIRE(stored->expect_there().error().code == ErrorCode::not_found);
}
