#pragma once

#include <ctime>
#include <memory>

#include "base/file.hpp"

namespace sojourn::process {

/// Goes off once this host process has used an amount of processor time, all threads together. It
/// costs a process that waits nothing: no time is used, so nobody wakes up. For the thread that
/// makes it alone.
class BusyTimer {
public:
    /// Errors: the host's, when it has no timer left.
    static Result<std::unique_ptr<BusyTimer>> create();
    BusyTimer(const BusyTimer&) = delete;
    BusyTimer& operator=(const BusyTimer&) = delete;
    ~BusyTimer();

    /// Goes off once, `busy_ns` of processor time from now, instead of when it was set to before.
    void set(std::uint64_t busy_ns);

    /// Readable, for poll(2), when it has gone off, until the next set().
    [[nodiscard]] int fd() const { return signals_.get(); }

private:
    BusyTimer() = default;

    timer_t timer_ = nullptr;
    bool is_created_ = false;
    UniqueFd signals_;
};

}  // namespace sojourn::process
