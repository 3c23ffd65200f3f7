#include "heap/internal/cache.hpp"

#include <atomic>
#include <random>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/support/heap_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using heap::kPageBytes;
using heap::Region;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr heap::RegionId kFirst{1};

/// Different in every eight bytes, and by `round`.
std::uint64_t value_at(std::uint64_t offset, std::uint64_t round) {
    return offset * 0x9E3779B97F4A7C15U + round;
}

void fill(Region& region, std::uint64_t round) {
    for (std::uint64_t offset = 0; offset < region.size_bytes(); offset += 8) {
        const std::uint64_t value = value_at(offset, round);
        std::memcpy(region.base() + offset, &value, sizeof value);
    }
}

std::uint64_t count_wrong(const Region& region, std::uint64_t round) {
    std::uint64_t wrong = 0;
    for (std::uint64_t offset = 0; offset < region.size_bytes(); offset += 8) {
        std::uint64_t value = 0;
        std::memcpy(&value, region.base() + offset, sizeof value);
        wrong += value == value_at(offset, round) ? 0U : 1U;
    }
    return wrong;
}

void read_all(const Region& region) {
    for (std::uint64_t offset = 0; offset < region.size_bytes(); offset += kPageBytes)
        static_cast<void>(*static_cast<const volatile std::byte*>(region.base() + offset));
}

}  // namespace

TEST_CASE("a region larger than the cache keeps every byte", "[heap]") {
    const auto mechanism = GENERATE(from_range(kMechanisms));
    const auto cache = GENERATE(from_range(kCaches));
    HeapFixture fixture(mechanism, cache);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 8 * kMiB);

    fill(memory, 1);
    REQUIRE(count_wrong(memory, 1) == 0);
    REQUIRE(heap->verify() == std::vector<std::string>{});
    REQUIRE(commit(*heap).ok());
    REQUIRE(count_wrong(memory, 1) == 0);
    fill(memory, 2);
    REQUIRE(commit(*heap).ok());

    REQUIRE(heap->stats().resident_bytes <= cache.value_or(8 * kMiB));
    REQUIRE((heap->stats().evictions > 0) == cache.has_value());
    REQUIRE(heap->verify() == std::vector<std::string>{});
    heap.reset();
    heap = fixture.open();
    REQUIRE(count_wrong(*heap->region(kFirst), 2) == 0);
}

TEST_CASE("what only was read is dropped and not written anywhere", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), kSmallestCache);
    auto heap = fixture.create();
    fill(add_memory(*heap, 4 * kMiB), 1);
    REQUIRE(commit(*heap).ok());
    heap.reset();
    heap = fixture.open();

    read_all(*heap->region(kFirst));
    read_all(*heap->region(kFirst));

    REQUIRE(heap->stats().evictions > 0);
    REQUIRE(heap->stats().scratch_bytes == 0);
    REQUIRE(heap->snapshot().value()->dirty_pages() == 0);
}

TEST_CASE("an idle process that is checkpointed again and again comes to write nothing", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), kSmallestCache);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 4 * kMiB);
    fill(memory, 1);
    REQUIRE(commit(*heap)->dirty_pages == 4 * kMiB / kPageBytes);
    read_all(memory);

    fixture.family->written_keys.clear();
    REQUIRE(commit(*heap).ok());
    read_all(memory);
    REQUIRE(commit(*heap)->dirty_pages == 0);

    REQUIRE(fixture.family->written_keys.empty());
    REQUIRE(heap->stats().scratch_bytes == 0);
    REQUIRE(count_wrong(memory, 1) == 0);
}
