#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "heap/internal/paged_region.hpp"
#include "heap/internal/working_set.hpp"

namespace sojourn::heap {

/// Brings a working set into memory on a thread of its own, one of low priority, while the guest
/// runs and faults in what it needs sooner. Evicts nothing: ends when the cache is nearly full.
class Prefetcher {
public:
    /// `regions` are by id. Borrows them and the cache.
    Prefetcher(std::vector<PagedRegion*> regions, const Cache& cache, WorkingSet set);
    Prefetcher(const Prefetcher&) = delete;
    Prefetcher& operator=(const Prefetcher&) = delete;
    ~Prefetcher();

    /// Nothing is being brought in while the lock is held: a block that is counts as missing, and
    /// the guest can write to the pages of it that are there. Waits for one group at most.
    [[nodiscard]] std::unique_lock<std::mutex> rest();

private:
    void serve();
    bool bring_in(PagedRegion& region, std::uint64_t group);

    const std::vector<PagedRegion*> regions_;
    const Cache& cache_;
    const WorkingSet set_;
    std::atomic<bool> is_ending_ = false;
    std::mutex turn_;  ///< held for a group, or while it rests
    std::atomic<bool> is_wanted_ = false;
    std::thread thread_;
};

}  // namespace sojourn::heap
