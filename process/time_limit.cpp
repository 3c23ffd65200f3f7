#include "process/time_limit.hpp"

#include <chrono>

namespace sojourn::process {

TimeLimit::TimeLimit(std::uint64_t timeout_ns, std::function<void()> on_timeout) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
    thread_ = std::thread([this, deadline, on_timeout = std::move(on_timeout)] {
        std::unique_lock lock(mutex_);
        if (changed_.wait_until(lock, deadline, [this] { return is_lifted_; })) return;
        lock.unlock();
        on_timeout();
    });
}

TimeLimit::~TimeLimit() {
    {
        const std::lock_guard guard(mutex_);
        is_lifted_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

}  // namespace sojourn::process
