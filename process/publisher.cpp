#include "process/publisher.hpp"

namespace sojourn::process {

Publisher::~Publisher() {
    wait();
    {
        const std::lock_guard guard(mutex_);
        is_ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Publisher::precopy(Incarnation& life, unsigned rounds_max, Precopied done) {
    start(Job([this, &life, rounds_max, done = std::move(done)] {
        done(life.heap().precopy(rounds_max, cuts_short_));
    }));
}

void Publisher::publish(Incarnation& life, Incarnation::Moment moment, heap::CommitOptions options,
                        Published done) {
    start(Job(
        [&life, moment = std::move(moment), options = std::move(options),
         done = std::move(done)]() mutable { done(life.publish(std::move(moment), options)); }));
}

void Publisher::start(Job job) {
    EXPECTS(is_idle(), "one job is done at a time");
    busy_.store(true, std::memory_order_release);
    {
        const std::lock_guard guard(mutex_);
        job_ = std::move(job);
    }
    if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
    changed_.notify_all();
}

void Publisher::wait() {
    cuts_short_.store(true);
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return is_idle(); });
    }
    cuts_short_.store(false);
}

void Publisher::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return job_.has_value() || is_ending_; });
        if (!job_) return;
        Job job = std::move(*job_);
        job_.reset();
        lock.unlock();
        job();
        job = {};  // what it holds goes before anybody hears that it is over
        lock.lock();
        busy_.store(false, std::memory_order_release);
        changed_.notify_all();
        lock.unlock();
        became_idle_();
        lock.lock();
    }
}

}  // namespace sojourn::process
