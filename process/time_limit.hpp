#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace sojourn::process {

/// Calls a function, from a thread of its own, when a time has passed, unless it is destroyed
/// first.
class TimeLimit {
public:
    TimeLimit(std::uint64_t timeout_ns, std::function<void()> on_timeout);
    /// Waits for a call that is under way.
    ~TimeLimit();

    TimeLimit(const TimeLimit&) = delete;
    TimeLimit& operator=(const TimeLimit&) = delete;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_lifted_ = false;
    std::thread thread_;
};

}  // namespace sojourn::process
