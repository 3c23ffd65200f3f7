#include <catch2/catch.hpp>

#include "heap/heap.hpp"
#include "tests/support/heap_fixture.hpp"
#include "tests/support/shared_memory.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using heap::kPageBytes;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr unsigned kRounds = 3;
constexpr heap::RegionId kFirst{1};

/// A byte in each page.
void touch(heap::Region& region, std::byte value) {
    for (std::uint64_t offset = 0; offset < region.size_bytes(); offset += kPageBytes)
        region.base()[offset] = value;
}

/// The first `size_bytes` of a heap's first region as the newest version has them.
ByteVector published_bytes(const HeapFixture& fixture, std::uint64_t size_bytes) {
    ByteVector bytes(size_bytes);
    const store::View view = fixture.family->view_of(fixture.process_id()).value();
    const std::uint64_t unit_bytes = fixture.options().unit_bytes;
    for (std::uint64_t offset = 0; offset < size_bytes; offset += unit_bytes) {
        const auto out = MutableBytes(bytes).subspan(offset, unit_bytes);
        const store::UnitIndex unit{offset / unit_bytes};
        REQUIRE(fixture.family->read_unit(view, {kFirst, unit}, out).ok());
    }
    return bytes;
}

Result<void> precopy(heap::Heap& heap) {
    const std::atomic<bool> stop = false;
    return heap.precopy(kRounds, stop);
}

}  // namespace

TEST_CASE("what was written ahead is not copied in the pause and is in the version",
          "[heap][precopy]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    heap::Region& memory = add_memory(*heap, 4 * kMiB);
    touch(memory, std::byte{1});
    REQUIRE(heap->dirty_bytes_estimate() == 4 * kMiB);

    REQUIRE(precopy(*heap).ok());
    REQUIRE(heap->dirty_bytes_estimate() == 0);
    memory.base()[kMiB + 1] = std::byte{2};
    auto snapshot = heap->snapshot().value();

    REQUIRE(snapshot->dirty_pages() <= 16);
    const auto info = heap->commit(std::move(snapshot), {}, {});
    REQUIRE(info->dirty_pages == 4 * kMiB / kPageBytes);
    REQUIRE(heap->verify() == std::vector<std::string>{});
    const auto opened = fixture.open();
    const std::byte* const base = opened->region(kFirst)->base();
    REQUIRE(base[kMiB + 1] == std::byte{2});
    REQUIRE(base[kMiB] == std::byte{1});
    REQUIRE(base[4 * kMiB - kPageBytes] == std::byte{1});
}

TEST_CASE("threads that write while it is written ahead find each version as it was at its moment",
          "[heap][precopy]") {
    const auto mechanism = GENERATE(from_range(kMechanisms));
    const auto cache = GENERATE(from_range(kCaches));
    const auto unit_bytes = GENERATE(as<std::size_t>(), 4096, 65536);
    const auto in_memory = GENERATE(true, false);
    const TemporaryFolder folder;
    HeapFixture fixture(mechanism, unit_bytes, in_memory ? "mem:" : folder.path().string(), cache);
    auto heap = fixture.create();
    SharedMemory memory(add_memory(*heap, 4 * kMiB), 1);
    std::vector<std::uint64_t> published;

    for (int round = 0; round < 4; ++round) {
        const bool is_refused = round == 2;
        memory.work([&] {
            for (int i = 0; i < 3; ++i) {
                if (!precopy(*heap)) std::abort();
            }
        });
        REQUIRE(heap->verify() == std::vector<std::string>{});
        auto snapshot = heap->snapshot().value();
        if (!is_refused) published = memory.written();
        fixture.family->refuses_publish = is_refused;
        memory.work([&] {
            const auto info = heap->commit(std::move(snapshot), {}, {});
            if (info.ok() == is_refused) std::abort();
        });
        REQUIRE(memory.wrong() == 0);
        REQUIRE(heap->verify() == std::vector<std::string>{});
        const ByteVector stored = published_bytes(fixture, 4 * kMiB);
        REQUIRE(std::memcmp(published.data(), stored.data(), stored.size()) == 0);
    }
}

TEST_CASE("pages of a refused pre-copy are in the next version", "[heap][precopy]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), GENERATE(from_range(kCaches)));
    auto heap = fixture.create();
    heap::Region& memory = add_memory(*heap, 4 * kMiB);
    touch(memory, std::byte{1});
    fixture.family->refuses_stage = true;

    REQUIRE(precopy(*heap).error().code == ErrorCode::store_full);
    fixture.family->refuses_stage = false;
    REQUIRE(commit(*heap).ok());

    REQUIRE(heap->verify() == std::vector<std::string>{});
    const auto opened = fixture.open();
    for (std::uint64_t offset = 0; offset < 4 * kMiB; offset += kPageBytes)
        REQUIRE(opened->region(kFirst)->base()[offset] == std::byte{1});
}

TEST_CASE("what was written ahead and refused is passed over by what comes after it",
          "[heap][precopy]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    heap::Region& memory = add_memory(*heap, 4 * kMiB);
    touch(memory, std::byte{1});
    REQUIRE(commit(*heap).ok());
    touch(memory, std::byte{2});
    REQUIRE(precopy(*heap).ok());
    fixture.family->refuses_publish = true;
    fixture.family->refuses_abandon = true;
    REQUIRE_FALSE(commit(*heap).ok());

    SECTION("and nothing comes as long as the store can't be told") {
        fixture.family->refuses_publish = false;
        REQUIRE_FALSE(commit(*heap).ok());
        fixture.family->refuses_abandon = false;
        REQUIRE(commit(*heap).ok());
        REQUIRE(fixture.open()->region(kFirst)->base()[0] == std::byte{2});
    }
    SECTION("and the version before it is what it was") {
        fixture.family->refuses_publish = false;
        fixture.family->refuses_abandon = false;
        REQUIRE(fixture.open()->region(kFirst)->base()[0] == std::byte{1});
    }
}

TEST_CASE("a pre-copy that is told to stop loses nothing", "[heap][precopy]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), GENERATE(from_range(kCaches)));
    auto heap = fixture.create();
    touch(add_memory(*heap, 4 * kMiB), std::byte{1});
    const std::atomic<bool> stop = true;

    REQUIRE(heap->precopy(kRounds, stop).ok());
    REQUIRE(commit(*heap).ok());

    REQUIRE(fixture.open()->region(kFirst)->base()[kMiB] == std::byte{1});
}

TEST_CASE("a page that is pinned for writing stays writable during a pre-copy", "[heap][precopy]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    heap::Region& memory = add_memory(*heap, 4 * kMiB);
    touch(memory, std::byte{1});
    const auto pinned = memory.pin(kMiB, kPageBytes, heap::Region::Access::write);
    REQUIRE(pinned.ok());

    REQUIRE(precopy(*heap).ok());
    const std::uint64_t faults = heap->stats().faults;
    pinned->data()[0] = std::byte{7};

    REQUIRE(heap->stats().faults == faults);
    REQUIRE(commit(*heap).ok());
    REQUIRE(fixture.open()->region(kFirst)->base()[kMiB] == std::byte{7});
}
