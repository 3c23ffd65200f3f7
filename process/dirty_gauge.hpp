#pragma once

#include <mutex>

#include "heap/heap.hpp"

namespace sojourn::process {

/// How much of a process's memory has changed since its last checkpoint, and how much is in ours,
/// through all its incarnations. Usable from any thread; borrows a heap between attach() and
/// detach().
class DirtyGauge {
public:
    /// `heap` is the one to ask from now on.
    void attach(const heap::Heap& heap) {
        const std::lock_guard guard(mutex_);
        heap_ = &heap;
    }
    void detach() {
        const std::lock_guard guard(mutex_);
        heap_ = nullptr;
    }

    /// About; 0 while there is no heap.
    [[nodiscard]] std::uint64_t dirty_bytes() const {
        const std::lock_guard guard(mutex_);
        return heap_ == nullptr ? 0 : heap_->dirty_bytes_estimate();
    }
    /// The same.
    [[nodiscard]] std::uint64_t resident_bytes() const {
        const std::lock_guard guard(mutex_);
        return heap_ == nullptr ? 0 : heap_->stats().resident_bytes;
    }

private:
    mutable std::mutex mutex_;
    const heap::Heap* heap_ = nullptr;
};

}  // namespace sojourn::process
