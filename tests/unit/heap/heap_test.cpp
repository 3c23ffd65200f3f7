#include "heap/heap.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "tests/support/heap_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using heap::Region;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

std::byte& at(Region& region, std::uint64_t offset) {
    return region.base()[offset];
}

std::uint64_t dirty_pages_of(heap::Heap& heap) {
    return heap.snapshot().value()->dirty_pages();
}

std::size_t count_of(const char* directory) {
    const std::filesystem::directory_iterator entries(directory);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::size_t line_count_of(const char* file) {
    // Files of /proc have no size to rely on; read_file reads to the end.
    const ByteVector text = read_file(file).value();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), std::byte{'\n'}));
}

}  // namespace

TEST_CASE("what a guest wrote is there after commit and open", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, kMiB);
    at(memory, 0) = std::byte{1};
    at(memory, 70'000) = std::byte{2};
    at(memory, kMiB - 1) = std::byte{3};

    REQUIRE(commit(*heap, "registers").ok());
    heap.reset();
    auto opened = fixture.open();

    Region& restored = *opened->region(heap::RegionId{1});
    REQUIRE(restored.size_bytes() == kMiB);
    REQUIRE(restored.reserve_bytes() == 64 * kMiB);
    REQUIRE(restored.kind() == heap::RegionKind::memory);
    REQUIRE(at(restored, 0) == std::byte{1});
    REQUIRE(at(restored, 1) == std::byte{0});
    REQUIRE(at(restored, 70'000) == std::byte{2});
    REQUIRE(at(restored, kMiB - 1) == std::byte{3});
    REQUIRE(as_text(opened->attachment()) == "registers");
    REQUIRE(opened->verify().empty());
}

TEST_CASE("regions are numbered from one in the order of their creation", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();

    auto* globals = heap->add_region({heap::RegionKind::globals, 4096, 4096}).value();
    auto* slots = heap->add_region({heap::RegionKind::slots, 0, kMiB}).value();
    auto* nothing = heap->add_region({heap::RegionKind::table, 0, 0}).value();

    REQUIRE(heap->region(heap::RegionId{1}) == globals);
    REQUIRE(heap->region(heap::RegionId{2}) == slots);
    REQUIRE(heap->regions() == std::vector<Region*>{globals, slots, nothing});
    REQUIRE(heap->region(heap::RegionId{0}) == nullptr);
    REQUIRE(heap->region(heap::RegionId{4}) == nullptr);
}

TEST_CASE("a second commit writes the units that changed, and no others", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, 4 * kMiB);
    std::fill_n(memory.base(), 4 * kMiB, std::byte{7});
    REQUIRE(commit(*heap)->dirty_pages == 1024);
    const std::uint64_t piece_units = heap->mechanism() == heap::MechanismKind::mprotect ? 4 : 1;
    fixture.family->written_keys.clear();

    at(memory, kMiB + 5) = std::byte{8};
    const auto second = commit(*heap);

    REQUIRE(second.ok());
    REQUIRE(second->dirty_pages == (piece_units == 4 ? 16 : 1));
    REQUIRE(fixture.family->written_keys.size() == piece_units);
    REQUIRE(fixture.family->written_keys[0] ==
            store::UnitKey{memory.id(), store::UnitIndex{kMiB / fixture.options().unit_bytes}});
    REQUIRE(second->written_bytes < 70'000);
    REQUIRE(dirty_pages_of(*heap) == 0);
}

TEST_CASE("reading makes nothing dirty", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, kMiB);

    std::byte sum{0};
    for (std::uint64_t offset = 0; offset < kMiB; offset += heap::kPageBytes)
        sum |= at(memory, offset);

    REQUIRE(sum == std::byte{0});
    REQUIRE(dirty_pages_of(*heap) == 0);
    REQUIRE(heap->stats().resident_bytes == kMiB);
    REQUIRE(heap->stats().faults <= 17);
}

TEST_CASE("a unit that was not touched stays in the store", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    std::fill_n(add_memory(*heap, 4 * kMiB).base(), 4 * kMiB, std::byte{7});
    REQUIRE(commit(*heap).ok());
    heap.reset();

    auto opened = fixture.open();
    REQUIRE(opened->stats().resident_bytes == 0);
    REQUIRE(at(*opened->region(heap::RegionId{1}), 2 * kMiB) == std::byte{7});

    REQUIRE(opened->stats().resident_bytes <= 65'536);
}

TEST_CASE("what changes after a snapshot belongs to the next one", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, kMiB);
    at(memory, 0) = std::byte{1};

    auto snapshot = heap->snapshot().value();
    at(memory, 0) = std::byte{2};
    REQUIRE(memory.grow(2 * kMiB).ok());
    REQUIRE(heap->commit(std::move(snapshot), {}, {}).ok());
    auto as_published = fixture.open();

    REQUIRE(at(*as_published->region(heap::RegionId{1}), 0) == std::byte{1});
    REQUIRE(as_published->region(heap::RegionId{1})->size_bytes() == kMiB);
    REQUIRE(dirty_pages_of(*heap) > 0);
}

TEST_CASE("units of every size keep what was written", "[heap]") {
    const std::size_t unit_bytes = GENERATE(4096U, 16384U, 65536U);
    HeapFixture fixture(GENERATE(from_range(kMechanisms)), unit_bytes);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, kMiB + heap::kPageBytes);
    for (std::uint64_t offset = 0; offset < memory.size_bytes(); offset += 12'345)
        at(memory, offset) = static_cast<std::byte>(offset % 251 + 1);

    REQUIRE(commit(*heap).ok());
    heap.reset();
    auto opened = fixture.open();

    Region& restored = *opened->region(heap::RegionId{1});
    for (std::uint64_t offset = 0; offset < restored.size_bytes(); offset += 12'345)
        REQUIRE(at(restored, offset) == static_cast<std::byte>(offset % 251 + 1));
    REQUIRE(opened->verify().empty());
}

TEST_CASE("a process that has a heap is not given an empty one", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    REQUIRE(commit(*fixture.create()).ok());

    const auto again =
        heap::Heap::create(fixture.family, fixture.token, fixture.clock(), fixture.options());

    REQUIRE(again.error().code == ErrorCode::already_exists);
}

TEST_CASE("a process without a checkpoint has no heap to open", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));

    REQUIRE(fixture.try_open().error().code == ErrorCode::not_found);
}

TEST_CASE("verify() finds a clean page that is not what the store has", "[heap]") {
    HeapFixture fixture(heap::MechanismKind::uffd_async);
    auto heap = fixture.create();
    Region& memory = add_memory(*heap, kMiB);
    at(memory, 0) = std::byte{1};
    REQUIRE(commit(*heap).ok());
    REQUIRE(heap->verify().empty());

    fixture.family->damaged_unit = store::UnitKey{memory.id(), store::UnitIndex{0}};

    REQUIRE(heap->verify().size() == 1);
}

TEST_CASE("heaps that come and go leave nothing behind", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    at(add_memory(*heap, kMiB), 0) = std::byte{1};
    REQUIRE(commit(*heap).ok());
    heap.reset();
    const auto cycle = [&] {
        auto opened = fixture.open();
        at(*opened->region(heap::RegionId{1}), 5) = std::byte{2};
        add_memory(*opened, kMiB);
    };
    cycle();
    const std::size_t files_before = count_of("/proc/self/fd");
    const std::size_t mappings_before = line_count_of("/proc/self/maps");

    for (int i = 0; i < 2000; ++i)
        cycle();

    REQUIRE(count_of("/proc/self/fd") == files_before);
    REQUIRE(line_count_of("/proc/self/maps") <= mappings_before + 4);
}
