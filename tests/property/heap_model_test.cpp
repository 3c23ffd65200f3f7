#include <cstdlib>
#include <filesystem>
#include <random>

#include <catch2/catch.hpp>

#include "tests/support/heap_fixture.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using heap::kPageBytes;
using heap::Region;
using heap::RegionId;

namespace {

constexpr std::uint64_t kReserveBytes = 200 * kPageBytes;
constexpr int kSteps = 300;

/// What the heap's regions must hold, as plain bytes.
struct Model {
    std::vector<ByteVector> regions;
    std::string attachment;
};

/// Random operations on a heap, each followed by the same on a model.
class HeapAgainstModel {
public:
    HeapAgainstModel(HeapFixture& fixture, std::uint64_t seed)
        : fixture_(fixture), random_(seed), heap_(fixture.create()) {}

    void step() {
        const std::uint64_t dice = below(100);
        if (now_.regions.empty() || (dice < 4 && now_.regions.size() < 4)) return add_region();
        if (dice < 10) return grow();
        if (dice < 60) return write();
        if (dice < 75) return pin_and_write();
        if (dice < 86) return read();
        if (dice < 90) return precopy();
        if (dice < 94) return commit(true);
        if (dice < 97) return commit(false);
        reopen();
    }

    void expect_equal() {
        REQUIRE(heap_->verify() == std::vector<std::string>{});
        REQUIRE(heap_->regions().size() == now_.regions.size());
        for (std::size_t i = 0; i < now_.regions.size(); ++i) {
            const Region& region = region_at(i);
            REQUIRE(region.size_bytes() == now_.regions[i].size());
            REQUIRE(std::equal(now_.regions[i].begin(), now_.regions[i].end(), region.base()));
        }
    }

private:
    std::uint64_t below(std::uint64_t end) { return random_() % end; }

    Region& region_at(std::size_t index) {
        return *heap_->region(RegionId{static_cast<std::uint32_t>(index + 1)});
    }

    void add_region() {
        const std::uint64_t size = below(40) * kPageBytes;
        const auto kind = static_cast<heap::RegionKind>(1 + below(5));
        REQUIRE(heap_->add_region({kind, size, kReserveBytes}).ok());
        now_.regions.emplace_back(size);
    }

    void grow() {
        const std::size_t index = below(now_.regions.size());
        ByteVector& model = now_.regions[index];
        const std::uint64_t room = kReserveBytes - model.size();
        const std::uint64_t size = model.size() + below(room / kPageBytes + 1) * kPageBytes;
        REQUIRE(region_at(index).grow(size).ok());
        model.resize(size);
    }

    struct Range {
        std::size_t index;
        std::uint64_t offset;
        std::uint64_t length;
    };
    Range random_range() {
        const std::size_t index = below(now_.regions.size());
        const std::uint64_t size = now_.regions[index].size();
        const std::uint64_t offset = below(size + 1);
        const std::uint64_t longest = below(4) == 0 ? size : 64;
        return {index, offset, std::min(below(longest + 1), size - offset)};
    }

    void write_through(std::byte* base, const Range& range) {
        ByteVector& model = now_.regions[range.index];
        for (std::uint64_t i = 0; i < range.length; ++i) {
            // Runs of zeros too: they are encoded in another way.
            const auto value = static_cast<std::byte>(below(3) == 0 ? 0 : random_());
            base[i] = value;
            model[range.offset + i] = value;
        }
    }
    void write() {
        const Range range = random_range();
        write_through(region_at(range.index).base() + range.offset, range);
    }
    void pin_and_write() {
        const Range range = random_range();
        auto pinned = region_at(range.index).pin(range.offset, range.length, Region::Access::write);
        REQUIRE(pinned.ok());
        const std::uint64_t faults = heap_->stats().faults;
        write_through(pinned->data(), range);
        REQUIRE(heap_->stats().faults == faults);
    }

    void read() {
        const Range range = random_range();
        const ByteVector& model = now_.regions[range.index];
        const auto from = model.begin() + static_cast<std::ptrdiff_t>(range.offset);
        REQUIRE(std::equal(from, from + static_cast<std::ptrdiff_t>(range.length),
                           region_at(range.index).base() + range.offset));
    }

    void precopy() {
        const std::atomic<bool> stop = false;
        fixture_.family->refuses_stage = below(4) == 0;
        static_cast<void>(heap_->precopy(2, stop));
        fixture_.family->refuses_stage = false;
    }

    void commit(bool accepted) {
        fixture_.family->refuses_publish = !accepted;
        now_.attachment = std::to_string(random_());
        const auto info = tests::commit(*heap_, now_.attachment);
        fixture_.family->refuses_publish = false;
        REQUIRE(info.ok() == accepted);
        if (accepted) published_ = now_;
    }

    void reopen() {
        if (!published_) return;
        heap_.reset();
        heap_ = fixture_.open();
        now_ = *published_;
        REQUIRE(as_text(heap_->attachment()) == now_.attachment);
    }

    HeapFixture& fixture_;
    std::mt19937_64 random_;
    std::unique_ptr<heap::Heap> heap_;
    Model now_;
    std::optional<Model> published_;
};

std::uint64_t seed_of_this_run() {
    const char* given = std::getenv("SOJOURN_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

}  // namespace

TEST_CASE("a heap holds what a plain array would, across commits, refusals and restarts",
          "[heap][store]") {
    const auto mechanism = GENERATE(from_range(kMechanisms));
    const auto unit_bytes = GENERATE(as<std::size_t>(), 4096, 16384, 65536);
    const auto in_memory = GENERATE(true, false);
    const auto cache = GENERATE(from_range(kCaches));
    const std::uint64_t seed = seed_of_this_run();
    // Not INFO: a crash has to leave it behind as well.
    fmt::print(stderr, "heap_model_test: repeat with SOJOURN_SEED={} property \"[heap]\"\n", seed);
    const TemporaryFolder folder;
    HeapFixture fixture(mechanism, unit_bytes, in_memory ? "mem:" : folder.path().string(), cache);
    HeapAgainstModel pair(fixture, seed);

    for (int step = 0; step < kSteps; ++step) {
        pair.step();
        if (step % 10 == 0) pair.expect_equal();
    }

    pair.expect_equal();
}
