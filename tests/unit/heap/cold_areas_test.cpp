#include <unistd.h>

#include <catch2/catch.hpp>

#include "heap/heap.hpp"
#include "tests/support/heap_fixture.hpp"
#include "tests/support/shared_memory.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using heap::kPageBytes;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr std::uint64_t kMemoryBytes = 80 * kMiB;  // large enough for parts of it to cool down
constexpr heap::RegionId kFirst{1};

heap::Region& add_large_memory(heap::Heap& heap) {
    return add_memory(heap, kMemoryBytes, kMemoryBytes);
}

void checkpoint(heap::Heap& heap) {
    const std::atomic<bool> stop = false;
    REQUIRE(heap.precopy(3, stop).ok());
    REQUIRE(commit(heap).ok());
}

/// Until everything that is not written has become cold.
void checkpoint_often(heap::Heap& heap) {
    for (int i = 0; i < 5; ++i)
        checkpoint(heap);
}

}  // namespace

TEST_CASE("a write to what has become cold is in the next version", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), GENERATE(from_range(kCaches)));
    auto heap = fixture.create();
    heap::Region& memory = add_large_memory(*heap);
    for (std::uint64_t offset = 0; offset < kMemoryBytes; offset += 8 * kPageBytes)
        memory.base()[offset] = std::byte{1};
    checkpoint_often(*heap);

    memory.base()[7 * kMiB] = std::byte{2};
    memory.base()[kMemoryBytes - 1] = std::byte{3};
    checkpoint(*heap);

    REQUIRE(heap->verify() == std::vector<std::string>{});
    const auto opened = fixture.open();
    const std::byte* const base = opened->region(kFirst)->base();
    REQUIRE(base[7 * kMiB] == std::byte{2});
    REQUIRE(base[kMemoryBytes - 1] == std::byte{3});
    REQUIRE(base[8 * kMiB] == std::byte{1});
}

TEST_CASE("a system call can write to what was cold when it was pinned", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    heap::Region& memory = add_large_memory(*heap);
    memory.base()[kMiB] = std::byte{1};
    checkpoint_often(*heap);

    const auto pinned = memory.pin(kMiB, 16, heap::Region::Access::write);
    const std::atomic<bool> stop = false;
    for (int i = 0; i < 5; ++i)
        REQUIRE(heap->precopy(3, stop).ok());
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    REQUIRE(::write(ends[1], "x", 1) == 1);
    const auto read = ::read(ends[0], pinned->data(), 1);
    ::close(ends[0]);
    ::close(ends[1]);

    REQUIRE(read == 1);
    checkpoint(*heap);
    REQUIRE(fixture.open()->region(kFirst)->base()[kMiB] == std::byte{'x'});
}

TEST_CASE("threads that warm up what is cooling down lose no write", "[heap]") {
    const auto mechanism = GENERATE(from_range(kMechanisms));
    const auto cache = GENERATE(values<CacheBytes>({kSmallestCache, std::nullopt}));
    HeapFixture fixture(mechanism, cache);
    auto heap = fixture.create();
    SharedMemory memory(add_large_memory(*heap), 1);

    for (int round = 0; round < 4; ++round) {
        memory.work([&] {
            const std::atomic<bool> stop = false;
            // Only the first finds much that is dirty, and all of them cool down.
            for (int i = 0; i < 3; ++i) {
                if (!heap->precopy(3, stop)) std::abort();
            }
        });
        REQUIRE(memory.wrong() == 0);
        REQUIRE(commit(*heap).ok());
        REQUIRE(heap->verify() == std::vector<std::string>{});
    }

    heap.reset();
    heap = fixture.open();
    const std::byte* const base = heap->region(kFirst)->base();
    REQUIRE(std::memcmp(memory.written().data(), base, kMemoryBytes) == 0);
}
