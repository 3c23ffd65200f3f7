#include <catch2/catch.hpp>

#include "heap/heap.hpp"
#include "tests/support/heap_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr heap::RegionId kFirst{1};

/// Bytes that no compressor makes smaller.
void scramble(heap::Region& region) {
    std::uint64_t state = 1;
    for (std::uint64_t offset = 0; offset < region.size_bytes(); offset += sizeof state) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        std::memcpy(region.base() + offset, &state, sizeof state);
    }
}

}  // namespace

TEST_CASE("pages of a refused commit are in the next one", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    heap::Region& memory = add_memory(*heap, kMiB);
    memory.base()[0] = std::byte{1};
    fixture.family->refuses_publish = true;
    REQUIRE(commit(*heap).error().code == ErrorCode::store_full);

    fixture.family->refuses_publish = false;
    memory.base()[500'000] = std::byte{2};
    REQUIRE(commit(*heap).ok());
    auto opened = fixture.open();

    REQUIRE(opened->region(kFirst)->base()[0] == std::byte{1});
    REQUIRE(opened->region(kFirst)->base()[500'000] == std::byte{2});
}

TEST_CASE("a commit that took effect and did not look so is followed by another", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    const bool forgets_at_once = GENERATE(true, false);
    auto heap = fixture.create();
    heap::Region& memory = add_memory(*heap, 20 * kMiB);
    scramble(memory);
    REQUIRE(commit(*heap).ok());
    memory.base()[0] = std::byte{1};
    memory.base()[500'000] = std::byte{1};
    fixture.family->publishes_and_says_no = true;
    fixture.family->refuses_abandon = !forgets_at_once;
    REQUIRE(commit(*heap).error().code == ErrorCode::io);

    fixture.family->publishes_and_says_no = false;
    fixture.family->refuses_abandon = false;
    memory.base()[500'000] = std::byte{2};
    memory.base()[700'000] = std::byte{3};
    for (const char* attachment : {"second", "third"})
        REQUIRE(commit(*heap, attachment).ok());
    REQUIRE(heap->verify().empty());
    auto opened = fixture.open();

    REQUIRE(as_text(opened->attachment()) == "third");
    REQUIRE(std::memcmp(opened->region(kFirst)->base(), memory.base(), 20 * kMiB) == 0);
}

TEST_CASE("pages of a snapshot that nobody committed are in the next one", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    add_memory(*heap, kMiB).base()[0] = std::byte{1};

    heap->snapshot().value().reset();
    REQUIRE(commit(*heap).ok());

    REQUIRE(fixture.open()->region(kFirst)->base()[0] == std::byte{1});
}

TEST_CASE("a refused commit leaves the version before it as it was", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    heap::Region& memory = add_memory(*heap, kMiB);
    memory.base()[0] = std::byte{1};
    REQUIRE(commit(*heap, "first").ok());

    memory.base()[0] = std::byte{2};
    fixture.family->refuses_publish = true;
    REQUIRE_FALSE(commit(*heap, "second").ok());
    auto opened = fixture.open();

    REQUIRE(opened->region(kFirst)->base()[0] == std::byte{1});
    REQUIRE(as_text(opened->attachment()) == "first");
}

TEST_CASE("much data is staged ahead of the publication, each unit once", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    scramble(add_memory(*heap, 40 * kMiB));

    const auto info = commit(*heap);

    REQUIRE(info.ok());
    REQUIRE(fixture.family->stage_calls == 6);
    REQUIRE(fixture.family->written_keys.size() == 40 * kMiB / fixture.options().unit_bytes);
    REQUIRE(info->written_bytes > 40 * kMiB);
    REQUIRE(heap->verify().empty());
}

TEST_CASE("a commit that is refused half-way is made again in full", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    scramble(add_memory(*heap, 20 * kMiB));
    fixture.family->refuses_stage = true;
    REQUIRE(commit(*heap).error().code == ErrorCode::store_full);
    fixture.family->refuses_stage = false;
    fixture.family->written_keys.clear();

    REQUIRE(commit(*heap).ok());

    REQUIRE(fixture.family->written_keys.size() == 20 * kMiB / fixture.options().unit_bytes);
    REQUIRE(heap->verify().empty());
}

TEST_CASE("a commit with an old fencing token changes nothing", "[heap][leases]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    heap::Region& memory = add_memory(*heap, kMiB);
    memory.base()[0] = std::byte{1};
    REQUIRE(commit(*heap, "mine").ok());
    auto other = fixture.open();

    memory.base()[0] = std::byte{2};
    const auto late = commit(*heap, "late");

    REQUIRE(late.error().code == ErrorCode::lease_lost);
    REQUIRE(as_text(fixture.open()->attachment()) == "mine");
    REQUIRE(other->region(kFirst)->base()[0] == std::byte{1});
}
