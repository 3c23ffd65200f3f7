#include "process/periodic_checkpoints.hpp"

#include <chrono>
#include <utility>

namespace sojourn::process {

PeriodicCheckpoints::PeriodicCheckpoints(std::uint64_t interval_ns, Inbox& inbox,
                                         const Clock& clock, Report report)
    : interval_ns_(interval_ns), inbox_(inbox), clock_(clock), report_(std::move(report)) {
    thread_ = std::thread([this] { serve(); });
}

PeriodicCheckpoints::~PeriodicCheckpoints() {
    stop();
    EXPECTS(!is_under_way_, "nobody answers a request after the one who asked is gone");
}

void PeriodicCheckpoints::stop() {
    {
        const std::lock_guard guard(mutex_);
        is_stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void PeriodicCheckpoints::serve() {
    using SteadyClock = std::chrono::steady_clock;
    const std::chrono::nanoseconds interval(interval_ns_);
    auto due = SteadyClock::now() + interval;
    std::unique_lock lock(mutex_);
    while (!changed_.wait_until(lock, due, [this] { return is_stopping_; })) {
        is_under_way_ = true;
        lock.unlock();
        ask();
        lock.lock();
        changed_.wait(lock, [this] { return is_stopping_ || !is_under_way_; });
        due = std::max(due + interval, SteadyClock::now());
    }
}

void PeriodicCheckpoints::ask() {
    Request request;
    request.requested_at_ns = clock_.monotonic_ns();
    request.only_if_changed = true;
    request.answer = [this](const auto& published) { note_end(published); };
    inbox_.post(std::move(request));
}

void PeriodicCheckpoints::note_end(const Result<store::CheckpointInfo>& published) {
    bool is_news = false;
    {
        const std::lock_guard guard(mutex_);
        is_under_way_ = false;
        is_news = !published.ok() && !has_failed_ && !is_stopping_;
        has_failed_ = !published.ok();
    }
    // A runner that has lost its lease ends with that error.
    if (is_news && published.error().code != ErrorCode::lease_lost) report_(published.error());
    changed_.notify_all();
}

}  // namespace sojourn::process
