#pragma once

#include <array>

#include "heap/heap.hpp"
#include "store/store.hpp"
#include "tests/support/failing_family.hpp"

namespace sojourn::tests {

inline constexpr std::array kMechanisms{
    heap::MechanismKind::uffd_async, heap::MechanismKind::uffd_sync, heap::MechanismKind::mprotect};

/// One that keeps next to nothing, one that keeps little for long, and everything in memory.
using CacheBytes = std::optional<std::uint64_t>;
inline constexpr CacheBytes kSmallestCache = heap::kCacheBytesMin;
inline constexpr std::array<CacheBytes, 3> kCaches{kSmallestCache, std::uint64_t{1} << 20U,
                                                   std::nullopt};

/// A process in a store, whose heap can be made, published and opened again. What fails here
/// stops the test: a check says where.
class HeapFixture {
public:
    explicit HeapFixture(heap::MechanismKind mechanism,
                         std::size_t unit_bytes = store::kUnitBytesDefault,
                         const std::string& location = "mem:",
                         CacheBytes cache_bytes = std::nullopt)
        : options_{.mechanism = mechanism, .unit_bytes = unit_bytes, .cache_bytes = cache_bytes} {
        store::OpenOptions open_options;
        open_options.sync = false;
        open_options.unit_bytes = unit_bytes;
        store_ = store::Store::open(location, open_options, random_).value();
        process_ = store_->create_process({}).value();
        family = std::make_shared<FailingFamily>(store_->family(process_.family).value());
    }

    /// With a cache of `cache_bytes` and what else is usual.
    HeapFixture(heap::MechanismKind mechanism, CacheBytes cache_bytes)
        : HeapFixture(mechanism, store::kUnitBytesDefault, "mem:", cache_bytes) {}

    std::unique_ptr<heap::Heap> create() {
        token = family->acquire(process_.id, std::nullopt).value();
        return heap::Heap::create(family, token, clock_, options_).value();
    }

    /// The heap as it was last published, as a new owner sees it.
    std::unique_ptr<heap::Heap> open() { return try_open().value(); }

    Result<std::unique_ptr<heap::Heap>> try_open() {
        token = family->acquire(process_.id, std::nullopt).value();
        return heap::Heap::open(family, token, clock_, options_);
    }

    /// From now on, open() does.
    void prefetch() { options_.prefetch = true; }

    [[nodiscard]] store::ProcessId process_id() const { return process_.id; }
    [[nodiscard]] const heap::HeapOptions& options() const { return options_; }
    [[nodiscard]] const Clock& clock() const { return clock_; }

    std::shared_ptr<FailingFamily> family;
    store::FencingToken token;

private:
    SystemRandom random_;
    SystemClock clock_;
    heap::HeapOptions options_;
    std::unique_ptr<store::Store> store_;
    store::ProcessRecord process_;
};

/// snapshot() and commit() in one.
inline Result<store::CheckpointInfo> commit(heap::Heap& heap, std::string_view attachment = "") {
    auto snapshot = TRY(heap.snapshot());
    return heap.commit(std::move(snapshot), as_bytes(attachment), {});
}

/// A memory of `size_bytes` in a reservation of `reserve_bytes`: small, as the shadow memory of a
/// sanitizer has to be prepared for all of it.
inline heap::Region& add_memory(heap::Heap& heap, std::uint64_t size_bytes,
                                std::uint64_t reserve_bytes = std::uint64_t{64} << 20U) {
    return *heap.add_region({heap::RegionKind::memory, size_bytes, reserve_bytes}).value();
}

}  // namespace sojourn::tests
