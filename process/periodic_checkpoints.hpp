#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.hpp"
#include "process/checkpoint_rhythm.hpp"
#include "process/inbox.hpp"

namespace sojourn::process {

class BusyTimer;

/// Asks for checkpoints in a rhythm, from a thread of its own. One that is still being written
/// delays the next; they never queue up. One that fails is reported unless the one before it failed
/// too; the next comes after another interval, or when as much again has changed. While the guest
/// waits nobody looks at what has changed. Borrows the inbox and the clock.
class PeriodicCheckpoints {
public:
    /// How many bytes have changed since the last checkpoint, about. Called on the thread here.
    using Probe = std::function<std::uint64_t()>;
    using Report = std::function<void(const Error&)>;

    /// `report` is called on any thread. Errors: the host's, when it has no descriptor left.
    static Result<std::unique_ptr<PeriodicCheckpoints>> start(const CheckpointRhythm& rhythm,
                                                              Inbox& inbox, const Clock& clock,
                                                              Probe probe, Report report);
    PeriodicCheckpoints(const PeriodicCheckpoints&) = delete;
    PeriodicCheckpoints& operator=(const PeriodicCheckpoints&) = delete;
    /// Requires: what it asked for is answered.
    ~PeriodicCheckpoints();

    /// Asks for no more and reports nothing from now on. Idempotent.
    void stop();

private:
    using Moment = std::chrono::steady_clock::time_point;

    PeriodicCheckpoints(const CheckpointRhythm& rhythm, Inbox& inbox, const Clock& clock,
                        Probe probe, Report report);

    void serve();
    /// Null, and reported, when there is no timer left.
    std::unique_ptr<BusyTimer> make_timer();
    /// False: it is stopping.
    bool await_due(std::optional<Moment> due);
    bool await_end();
    bool has_changed_enough();
    /// Returns when something was noted, at `due`, or after so much processor time.
    void sleep(std::optional<Moment> due, std::optional<std::uint64_t> busy_ns);
    void ask();
    void note_end(const Result<store::CheckpointInfo>& published);

    const CheckpointRhythm rhythm_;
    Inbox& inbox_;
    const Clock& clock_;
    const Probe probe_;
    const Report report_;
    std::unique_ptr<leases::Interrupt> noted_;  ///< raised when what the mutex guards has changed

    // The thread's own.
    std::unique_ptr<BusyTimer> timer_;   ///< null: nobody looks at what has changed
    std::uint64_t look_after_ns_ = 0;    ///< of processor time
    std::uint64_t bytes_left_over_ = 0;  ///< what had changed when the last one came to nothing

    std::mutex mutex_;  ///< guards what follows
    bool is_stopping_ = false;
    bool is_under_way_ = false;
    bool has_failed_ = false;  ///< the last one
    bool is_taken_ = false;    ///< the last one

    std::thread thread_;
};

}  // namespace sojourn::process
