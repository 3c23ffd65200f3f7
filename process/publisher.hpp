#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "process/incarnation.hpp"

namespace sojourn::process {

/// Makes a moment durable on a thread of its own while the guest goes on. One at a time.
class Publisher {
public:
    using Done = std::function<void(const Result<store::CheckpointInfo>&)>;

    /// `became_idle` is called on the publishing thread.
    explicit Publisher(std::function<void()> became_idle) : became_idle_(std::move(became_idle)) {}
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;
    ~Publisher() { wait(); }

    [[nodiscard]] bool is_idle() const { return !busy_.load(std::memory_order_acquire); }

    /// Calls `done` on the publishing thread, and is busy until that returns.
    /// Requires: is_idle(); `life` outlives the publication.
    void start(Incarnation& life, Incarnation::Moment moment, heap::CommitOptions options,
               Done done);

    /// Returns when nothing is under way.
    void wait();

private:
    const std::function<void()> became_idle_;
    std::thread thread_;
    std::atomic<bool> busy_ = false;
};

}  // namespace sojourn::process
