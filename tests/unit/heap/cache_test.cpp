#include "heap/internal/cache.hpp"

#include <catch2/catch.hpp>

#include "tests/support/file_size_limit.hpp"
#include "tests/support/heap_fixture.hpp"
#include "tests/support/shared_memory.hpp"

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

TEST_CASE("four threads lose no write to eviction while commits go on", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), kSmallestCache);
    auto heap = fixture.create();
    SharedMemory memory(add_memory(*heap, 8 * heap::kCacheBytesMin), 1);
    std::vector<std::uint64_t> published;

    memory.work([] {});
    for (int round = 0; round < 6; ++round) {
        auto snapshot = heap->snapshot().value();
        published = memory.written();
        fixture.family->refuses_publish = round == 3;
        memory.work([&] {
            const auto info = heap->commit(std::move(snapshot), {}, {});
            if (info.ok() == (round == 3)) std::abort();
        });
        REQUIRE(memory.wrong() == 0);
        REQUIRE(heap->verify() == std::vector<std::string>{});
    }

    REQUIRE(heap->stats().evictions > 1000);
    heap.reset();
    heap = fixture.open();
    REQUIRE(std::memcmp(published.data(), heap->region(kFirst)->base(), published.size() * 8) == 0);
}

TEST_CASE("what is pinned stays in memory while the cache overflows", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), kSmallestCache);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 4 * kMiB);
    fill(memory, 1);
    const std::uint64_t faults_before = heap->stats().faults;
    {
        const auto pinned = memory.pin(kMiB - 100, 200, Region::Access::write);
        REQUIRE(pinned.ok());
        fill(memory, 2);
        const std::uint64_t faults = heap->stats().faults;
        REQUIRE(faults > faults_before);

        std::memset(pinned->data(), 0, pinned->size());

        REQUIRE(heap->stats().faults == faults);
    }
    const std::uint64_t evictions = heap->stats().evictions;
    read_all(memory);
    REQUIRE(heap->stats().evictions > evictions);
    REQUIRE(memory.base()[kMiB] == std::byte{0});
    REQUIRE(heap->stats().resident_bytes <= heap::kCacheBytesMin);
}

TEST_CASE("a snapshot nobody commits, and a refused one, lose nothing that was evicted", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), kSmallestCache);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 4 * kMiB);
    fill(memory, 1);
    REQUIRE(commit(*heap).ok());
    fill(memory, 2);
    heap->snapshot().value().reset();
    read_all(memory);
    fixture.family->refuses_publish = true;
    REQUIRE_FALSE(commit(*heap).ok());
    fixture.family->refuses_publish = false;
    read_all(memory);

    REQUIRE(commit(*heap).ok());

    REQUIRE(heap->verify() == std::vector<std::string>{});
    REQUIRE(count_wrong(memory, 2) == 0);
    REQUIRE(heap->stats().scratch_bytes == 0);
    heap.reset();
    heap = fixture.open();
    REQUIRE(count_wrong(*heap->region(kFirst), 2) == 0);
}

TEST_CASE("a unit that changes back while its snapshot is written is not taken for published",
          "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), kSmallestCache);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 4 * kMiB);
    fill(memory, 1);
    REQUIRE(commit(*heap).ok());
    memory.base()[0] ^= std::byte{1};
    auto snapshot = heap->snapshot().value();
    memory.base()[0] ^= std::byte{1};
    read_all(memory);  // unit 0 leaves memory, as the store had it before the snapshot

    REQUIRE(heap->commit(std::move(snapshot), {}, {}).ok());

    REQUIRE(count_wrong(memory, 1) == 0);
    REQUIRE(commit(*heap).ok());
    heap.reset();
    heap = fixture.open();
    REQUIRE(count_wrong(*heap->region(kFirst), 1) == 0);
}

TEST_CASE("what came back from the scratch file and changed is published as it is now", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), kSmallestCache);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 4 * kMiB);
    fill(memory, 1);
    memory.base()[0] = std::byte{99};

    REQUIRE(commit(*heap).ok());
    REQUIRE(commit(*heap)->dirty_pages == 0);

    heap.reset();
    heap = fixture.open();
    REQUIRE(heap->region(kFirst)->base()[0] == std::byte{99});
}

TEST_CASE("what leaves memory unchanged while its snapshot is written is not written again",
          "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), kSmallestCache);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 4 * kMiB);
    fill(memory, 1);
    auto snapshot = heap->snapshot().value();
    read_all(memory);

    REQUIRE(heap->commit(std::move(snapshot), {}, {}).ok());

    REQUIRE(heap->stats().scratch_bytes == 0);
    REQUIRE(heap->snapshot().value()->dirty_pages() == 0);
}

TEST_CASE("a cache below the smallest is refused", "[heap]") {
    HeapFixture fixture(heap::MechanismKind::mprotect, CacheBytes{heap::kCacheBytesMin - 1});
    fixture.token = fixture.family->acquire(fixture.process_id(), std::nullopt).value();

    const auto refused =
        heap::Heap::create(fixture.family, fixture.token, fixture.clock(), fixture.options());

    REQUIRE(refused.error().code == ErrorCode::invalid_argument);
    REQUIRE(refused.error().message ==
            "a cache of 524287 bytes is too small; the smallest is 512 KiB");
}

TEST_CASE("a scratch directory that is not there is named", "[heap]") {
    HeapFixture fixture(heap::MechanismKind::mprotect, kSmallestCache);
    fixture.token = fixture.family->acquire(fixture.process_id(), std::nullopt).value();
    heap::HeapOptions options = fixture.options();
    options.scratch_directory = "/nowhere/at/all";

    const auto refused =
        heap::Heap::create(fixture.family, fixture.token, fixture.clock(), options);

    REQUIRE(refused.error().code == ErrorCode::not_found);
    REQUIRE(refused.error().message.find("/nowhere/at/all") != std::string::npos);
}

TEST_CASE("a scratch file without room costs memory and no data", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), kSmallestCache);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 2 * kMiB);
    {
        const FileSizeLimit limit(0);
        fill(memory, 1);
        REQUIRE(heap->stats().resident_bytes > heap::kCacheBytesMin);
        REQUIRE(count_wrong(memory, 1) == 0);
        REQUIRE_FALSE(heap->snapshot().ok());
        REQUIRE(heap->verify() == std::vector<std::string>{});
    }
    REQUIRE(commit(*heap)->dirty_pages == 2 * kMiB / kPageBytes);
    read_all(memory);
    REQUIRE(count_wrong(memory, 1) == 0);
    REQUIRE(commit(*heap).ok());
    add_memory(*heap, kMiB).base()[0] = std::byte{1};

    REQUIRE(heap->stats().resident_bytes <= heap::kCacheBytesMin);
    REQUIRE(heap->verify() == std::vector<std::string>{});
}

TEST_CASE("groups leave in the order in which they came, missed ones later", "[heap]") {
    struct Pages final : heap::Evictable {
        Outcome evict(std::uint32_t group) override {
            left.push_back(group);
            return {heap::kGroupBytes, 1, false};
        }
        std::vector<std::uint32_t> left;
    } pages;
    heap::Cache cache(4 * heap::kGroupBytes);
    REQUIRE(cache.add(pages, kMiB).ok());
    const auto bring_in = [&](std::uint32_t group) {
        cache.make_room(heap::kGroupBytes);
        cache.note_arrival(0, group);
    };

    for (const std::uint32_t group : {0U, 1U, 2U, 3U, 4U, 5U})
        bring_in(group);
    REQUIRE(pages.left == std::vector<std::uint32_t>{0, 1});
    bring_in(0);  // missed: stays for one round more
    for (const std::uint32_t group : {6U, 7U, 8U, 9U})
        bring_in(group);

    REQUIRE(pages.left == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6});
    REQUIRE(cache.resident_bytes() == 4 * heap::kGroupBytes);
}
