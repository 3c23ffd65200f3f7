#include <sstream>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "tests/support/heap_fixture.hpp"
#include "tests/support/sanitizer.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using heap::kPageBytes;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

/// What the host process has in anonymous memory.
std::uint64_t anonymous_bytes() {
    const ByteVector status = read_file("/proc/self/status").value();
    std::istringstream lines{std::string(as_text(status))};
    for (std::string word; lines >> word;) {
        std::uint64_t kib = 0;
        if (word == "RssAnon:" && lines >> kib) return kib << 10U;
    }
    return UINT64_MAX;
}

/// Walks over a region and keeps the most memory that was seen meanwhile.
class Walker {
public:
    explicit Walker(heap::Region& region) : region_(&region) {}

    template <typename Step>
    void walk(const Step& step) {
        for (std::uint64_t offset = 0; offset < region_->size_bytes(); offset += kPageBytes) {
            step(reinterpret_cast<std::uint64_t*>(region_->base() + offset), offset);
            if (offset % (8 * kMiB) == 0) look();
        }
        look();
    }
    void look() { most_ = std::max(most_, anonymous_bytes()); }
    [[nodiscard]] std::uint64_t most() const { return most_; }

private:
    heap::Region* region_;
    std::uint64_t most_ = 0;
};

void write_page(std::uint64_t* page, std::uint64_t offset) {
    for (std::uint64_t i = 0; i < kPageBytes / 8; ++i)
        page[i] = (offset + i) * 0x9E3779B97F4A7C15U;
}

}  // namespace

TEST_CASE("memory stays within 64 MiB of the cache in walks, snapshots and commits", "[heap]") {
    constexpr std::uint64_t kCacheBytes = 64 * kMiB;
    const auto mechanism = GENERATE(from_range(kMechanisms));
    const TemporaryFolder folder;
    HeapFixture fixture(mechanism, store::kUnitBytesDefault, folder.path().string(), kCacheBytes);
    auto heap = fixture.create();
    Walker walker(add_memory(*heap, 512 * kMiB, 512 * kMiB));

    walker.walk(write_page);
    auto snapshot = heap->snapshot().value();
    walker.look();
    REQUIRE(snapshot->residue_bytes() > 0);
    REQUIRE(heap->commit(std::move(snapshot), {}, {}).ok());
    std::uint64_t wrong = 0;
    walker.walk([&](const std::uint64_t* page, std::uint64_t offset) {
        wrong += page[7] == (offset + 7) * 0x9E3779B97F4A7C15U ? 0U : 1U;
    });

    REQUIRE(wrong == 0);
    REQUIRE(heap->stats().resident_bytes <= kCacheBytes);
    if (!kSanitized) REQUIRE(walker.most() <= kCacheBytes + 64 * kMiB);
    REQUIRE(commit(*heap)->dirty_pages == 0);
}
