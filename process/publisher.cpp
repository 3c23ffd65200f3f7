#include "process/publisher.hpp"

namespace sojourn::process {

void Publisher::start(Incarnation& life, Incarnation::Moment moment, heap::CommitOptions options,
                      Done done) {
    EXPECTS(is_idle(), "one moment is published at a time");
    wait();
    busy_.store(true, std::memory_order_release);
    thread_ = std::thread([this, &life, moment = std::move(moment), options = std::move(options),
                           done = std::move(done)]() mutable {
        const auto published = life.publish(std::move(moment), options);
        done(published);
        busy_.store(false, std::memory_order_release);
        became_idle_();
    });
}

void Publisher::wait() {
    if (thread_.joinable()) thread_.join();
}

}  // namespace sojourn::process
