#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.hpp"
#include "process/inbox.hpp"

namespace sojourn::process {

/// Asks for a checkpoint at every interval, from a thread of its own. One that is still being
/// written delays the next; they never queue up. One that fails is reported unless the one before
/// it failed too, and the next is asked for all the same. Borrows the inbox and the clock.
class PeriodicCheckpoints {
public:
    using Report = std::function<void(const Error&)>;

    /// `report` is called on any thread.
    PeriodicCheckpoints(std::uint64_t interval_ns, Inbox& inbox, const Clock& clock, Report report);
    PeriodicCheckpoints(const PeriodicCheckpoints&) = delete;
    PeriodicCheckpoints& operator=(const PeriodicCheckpoints&) = delete;
    /// Requires: what it asked for is answered.
    ~PeriodicCheckpoints();

    /// Asks for no more and reports nothing from now on. Idempotent.
    void stop();

private:
    void serve();
    void ask();
    void note_end(const Result<store::CheckpointInfo>& published);

    const std::uint64_t interval_ns_;
    Inbox& inbox_;
    const Clock& clock_;
    const Report report_;

    std::mutex mutex_;  ///< guards what follows
    std::condition_variable changed_;
    bool is_stopping_ = false;
    bool is_under_way_ = false;
    bool has_failed_ = false;  ///< the last one

    std::thread thread_;
};

}  // namespace sojourn::process
