#include <algorithm>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "heap/heap.hpp"
#include "tests/support/heap_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using heap::kPageBytes;
using heap::Region;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr heap::RegionId kFirst{1};

bool all_zeros(const Region& region, std::uint64_t from, std::uint64_t to) {
    return std::all_of(region.base() + from, region.base() + to,
                       [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

TEST_CASE("a region grows in place, as zeros", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 3 * kPageBytes);
    memory.base()[0] = std::byte{1};
    std::byte* const base = memory.base();

    REQUIRE(memory.grow(5 * kPageBytes).ok());
    REQUIRE(memory.grow(kMiB).ok());

    REQUIRE(memory.base() == base);
    REQUIRE(memory.size_bytes() == kMiB);
    REQUIRE(all_zeros(memory, 1, kMiB));
    memory.base()[4 * kPageBytes] = std::byte{2};
    REQUIRE(heap->verify().empty());
}

TEST_CASE("a region can use all of a reservation of 8 GiB", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 0, 8192 * kMiB);

    REQUIRE(memory.grow(memory.reserve_bytes()).ok());
    memory.base()[memory.reserve_bytes() - 1] = std::byte{1};
    REQUIRE(commit(*heap).ok());
    heap.reset();

    auto opened = fixture.open();
    const Region& restored = *opened->region(kFirst);
    REQUIRE(restored.base()[restored.size_bytes() - 1] == std::byte{1});
    REQUIRE(restored.base()[restored.size_bytes() / 2] == std::byte{0});
}

TEST_CASE("what a region had when it was saved and what it grew by afterwards join", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 5 * kPageBytes);
    std::fill_n(memory.base(), 5 * kPageBytes, std::byte{7});
    REQUIRE(commit(*heap).ok());
    heap.reset();

    auto opened = fixture.open();
    Region& restored = *opened->region(kFirst);
    const bool touched_before = GENERATE(false, true);
    if (touched_before) REQUIRE(restored.base()[5 * kPageBytes - 1] == std::byte{7});
    REQUIRE(restored.grow(40 * kPageBytes).ok());

    REQUIRE(restored.base()[5 * kPageBytes - 1] == std::byte{7});
    REQUIRE(all_zeros(restored, 5 * kPageBytes, 40 * kPageBytes));
    restored.base()[6 * kPageBytes] = std::byte{8};
    REQUIRE(commit(*opened).ok());
    opened.reset();
    REQUIRE(fixture.open()->region(kFirst)->base()[6 * kPageBytes] == std::byte{8});
}

TEST_CASE("a system call may fill memory that is pinned for writing", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, kMiB);
    const UniqueFd source(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    constexpr std::uint64_t kOffset = 60'000;
    constexpr std::uint64_t kLength = 100'000;

    {
        const auto pinned = memory.pin(kOffset, kLength, Region::Access::write);
        REQUIRE(pinned.ok());
        REQUIRE(pinned->data() == memory.base() + kOffset);
        REQUIRE(::read(source.get(), pinned->data(), pinned->size()) ==
                static_cast<ssize_t>(kLength));
    }
    const std::uint64_t pages = heap->snapshot().value()->dirty_pages();
    REQUIRE(commit(*heap).ok());
    heap.reset();

    REQUIRE(pages >= (kOffset + kLength - 1) / kPageBytes - kOffset / kPageBytes + 1);
    auto opened = fixture.open();
    std::vector<std::byte> expected(kLength);
    REQUIRE(::pread(source.get(), expected.data(), kLength, 0) == static_cast<ssize_t>(kLength));
    REQUIRE(std::equal(expected.begin(), expected.end(), opened->region(kFirst)->base() + kOffset));
}

TEST_CASE("a system call may read memory that is pinned for reading", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    std::fill_n(add_memory(*heap, kMiB).base(), kMiB, std::byte{'x'});
    REQUIRE(commit(*heap).ok());
    heap.reset();
    auto opened = fixture.open();
    const UniqueFd sink(::memfd_create("sink", MFD_CLOEXEC));

    const auto pinned = opened->region(kFirst)->pin(10'000, 100'000, Region::Access::read);

    REQUIRE(::write(sink.get(), pinned->data(), pinned->size()) == 100'000);
    REQUIRE(opened->stats().faults == 0);
    REQUIRE(opened->snapshot().value()->dirty_pages() == 0);
}

TEST_CASE("nothing can be pinned at the very end of a region", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, kPageBytes);

    REQUIRE(memory.pin(kPageBytes, 0, Region::Access::write)->empty());
    REQUIRE(heap->stats().resident_bytes == 0);
}

TEST_CASE("pinning a damaged unit is an error, and reading around it is not", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    std::fill_n(add_memory(*heap, kMiB).base(), kMiB, std::byte{7});
    REQUIRE(commit(*heap).ok());
    heap.reset();
    auto opened = fixture.open();
    Region& memory = *opened->region(kFirst);

    fixture.family->damaged_unit = store::UnitKey{kFirst, store::UnitIndex{0}};
    REQUIRE(memory.pin(0, 1, Region::Access::read).error().code == ErrorCode::corrupt);
    fixture.family->damaged_unit.reset();

    REQUIRE(memory.pin(0, 1, Region::Access::read)->front() == std::byte{7});
    REQUIRE(memory.base()[kMiB / 2] == std::byte{7});
}
