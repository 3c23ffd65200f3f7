#include "base/work_crew.hpp"

#include <algorithm>
#include <system_error>

namespace sojourn {

namespace {

constexpr unsigned kThreadsMax = 8;

}  // namespace

WorkCrew::WorkCrew() : WorkCrew(std::clamp(std::thread::hardware_concurrency(), 1U, kThreadsMax)) {}

WorkCrew::WorkCrew(unsigned threads) {
    while (threads_.size() + 1 < threads) {
        try {
            threads_.emplace_back([this] { help_until_end(); });
        } catch (const std::system_error&) {  // too many (ulimit -u)
            return;
        }
    }
}

WorkCrew::~WorkCrew() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_)
        thread.join();
}

Result<void> WorkCrew::share(const Work& work) {
    Shared shared{work};
    {
        const std::lock_guard lock(mutex_);
        shared_.push_back(&shared);
    }
    changed_.notify_all();
    auto done = work();
    std::unique_lock lock(mutex_);
    std::erase(shared_, &shared);
    while (shared.helpers > 0)
        help_or_wait(lock);
    return done.ok() ? shared.result : done;
}

void WorkCrew::help_until_end() {
    std::unique_lock lock(mutex_);
    while (!is_ending_)
        help_or_wait(lock);
}

/// Helps with what was shared last, which is the smallest part of something.
void WorkCrew::help_or_wait(std::unique_lock<std::mutex>& lock) {
    if (shared_.empty()) return changed_.wait(lock);
    Shared& shared = *shared_.back();
    ++shared.helpers;
    lock.unlock();
    auto done = shared.work();
    lock.lock();
    std::erase(shared_, &shared);
    if (shared.result.ok()) shared.result = std::move(done);
    --shared.helpers;
    changed_.notify_all();
}

}  // namespace sojourn
