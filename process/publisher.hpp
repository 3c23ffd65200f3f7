#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "process/incarnation.hpp"

namespace sojourn::process {

/// Writes to the store on a thread of its own while the guest goes on. One job at a time.
class Publisher {
public:
    using Published = std::function<void(const Result<store::CheckpointInfo>&)>;
    using Precopied = std::function<void(const Result<void>&)>;

    /// `became_idle` is called on the publishing thread.
    explicit Publisher(std::function<void()> became_idle) : became_idle_(std::move(became_idle)) {}
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;
    ~Publisher();

    [[nodiscard]] bool is_idle() const { return !busy_.load(std::memory_order_acquire); }

    // Both call `done` on the publishing thread, and are busy until that returns.
    // Require: is_idle(); `life` outlives the job.

    /// Heap::precopy(), as a preparation.
    void precopy(Incarnation& life, unsigned rounds_max, Precopied done);
    /// Makes a moment durable.
    void publish(Incarnation& life, Incarnation::Moment moment, heap::CommitOptions options,
                 Published done);

    /// Returns when nothing is under way. What is only a preparation is cut short.
    void wait();

private:
    using Job = std::packaged_task<void()>;

    void start(Job job);
    void serve();

    const std::function<void()> became_idle_;
    std::atomic<bool> busy_ = false;
    std::atomic<bool> cuts_short_ = false;

    std::mutex mutex_;  ///< guards what follows
    std::condition_variable changed_;
    std::optional<Job> job_;
    bool is_ending_ = false;

    std::thread thread_;  ///< from the first job on
};

}  // namespace sojourn::process
