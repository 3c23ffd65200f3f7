#include "heap/internal/working_set.hpp"

#include <chrono>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "heap/internal/cache.hpp"
#include "tests/support/heap_fixture.hpp"

using namespace sojourn;
using namespace sojourn::heap;
using namespace sojourn::tests;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr RegionId kFirst{1};

/// One word in each page.
void fill(Region& region) {
    for (std::uint64_t offset = 0; offset < region.size_bytes(); offset += kPageBytes)
        std::memcpy(region.base() + offset, &offset, sizeof offset);
}

bool is_as_filled(const Region& region) {
    for (std::uint64_t offset = 0; offset < region.size_bytes(); offset += kPageBytes) {
        if (std::memcmp(region.base() + offset, &offset, sizeof offset) != 0) return false;
    }
    return true;
}

/// Asked in a way that does not bring the page in.
bool is_there(std::byte* page) {
    std::byte read{};
    const iovec to{&read, 1};
    const iovec from{page, 1};
    return ::process_vm_readv(::getpid(), &to, 1, &from, 1, 0) == 1;
}

void await_resident(const Heap& heap, std::uint64_t bytes) {
    for (int i = 0; i < 10'000 && heap.stats().resident_bytes < bytes; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    REQUIRE(heap.stats().resident_bytes >= bytes);
}

}  // namespace

TEST_CASE("pages are noted as the groups that hold them", "[heap]") {
    WorkingSet set;

    append_groups(kFirst, {{0, 1}, {15, 2}, {64, 16}}, 10, set);

    REQUIRE(set == WorkingSet{{kFirst, 2, 0}, {kFirst, 1, 4}});
}

TEST_CASE("too many runs of groups are joined over the smallest gaps", "[heap]") {
    WorkingSet set;

    append_groups(kFirst, {{0, 16}, {32, 16}, {160, 16}, {192, 16}, {1600, 16}}, 3, set);

    REQUIRE(set == WorkingSet{{kFirst, 3, 0}, {kFirst, 3, 10}, {kFirst, 1, 100}});
}

TEST_CASE("what was in memory at the checkpoint comes back without a fault", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    {
        auto heap = fixture.create();
        fill(add_memory(*heap, 4 * kMiB));
        REQUIRE(commit(*heap).ok());
    }
    fixture.prefetch();

    const auto heap = fixture.open();
    await_resident(*heap, 4 * kMiB);

    REQUIRE(is_as_filled(*heap->region(kFirst)));
    // The last group counts as in memory a moment before it is.
    REQUIRE(heap->stats().faults <= kGroupBytes / kPageBytes);
}

TEST_CASE("what was not in memory at the checkpoint is left where it is", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    {
        auto heap = fixture.create();
        fill(add_memory(*heap, 4 * kMiB));
        REQUIRE(commit(*heap).ok());
    }
    {
        auto heap = fixture.open();
        heap->region(kFirst)->base()[2 * kMiB] = std::byte{1};
        REQUIRE(commit(*heap).ok());
    }
    fixture.prefetch();

    const auto heap = fixture.open();
    await_resident(*heap, kGroupBytes);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));

    REQUIRE(heap->stats().resident_bytes <= kGroupBytes);
}

TEST_CASE("bringing in a working set evicts nothing and loses nothing", "[heap]") {
    const auto mechanism = GENERATE(from_range(kMechanisms));
    HeapFixture fixture(mechanism, kSmallestCache);
    {
        auto heap = fixture.create();
        fill(add_memory(*heap, 4 * kMiB));
        REQUIRE(commit(*heap).ok());
    }
    fixture.prefetch();

    const auto heap = fixture.open();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    REQUIRE(heap->stats().evictions == 0);

    REQUIRE(is_as_filled(*heap->region(kFirst)));
}

TEST_CASE("a unit that can't be read is met by whoever wants it, not before", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    {
        auto heap = fixture.create();
        fill(add_memory(*heap, kMiB));
        REQUIRE(commit(*heap).ok());
    }
    fixture.prefetch();
    fixture.family->damaged_unit = store::UnitKey{kFirst, store::UnitIndex{8}};

    const auto heap = fixture.open();
    await_resident(*heap, kMiB - 64 * kPageBytes);

    REQUIRE(heap->region(kFirst)->pin(0, 1, Region::Access::read).ok());
    const auto pinned = heap->region(kFirst)->pin(8 * 16384, 1, Region::Access::read);
    REQUIRE(pinned.error().code == ErrorCode::corrupt);
}

TEST_CASE("what is written while it is brought in is in the next checkpoint", "[heap]") {
    constexpr std::uint64_t kRounds = 200;
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    {
        auto heap = fixture.create();
        fill(add_memory(*heap, kGroupBytes));
        REQUIRE(commit(*heap).ok());
    }
    fixture.prefetch();
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
        const auto heap = fixture.open();
        std::byte* const memory = heap->region(kFirst)->base();
        // The first page of a group is there a moment before the group is.
        while (!is_there(memory))
            continue;
        std::memcpy(memory, &round, sizeof round);
        REQUIRE(commit(*heap).ok());

        std::uint64_t found = 0;
        std::memcpy(&found, fixture.open()->region(kFirst)->base(), sizeof found);
        REQUIRE(found == round);
    }
}
