#include <algorithm>
#include <poll.h>

#include "leases/wait.hpp"
#include "vm/host/internal/wasi.hpp"

/// Waiting for descriptors and clocks.
namespace sojourn::vm {

namespace {

constexpr std::uint64_t kSubscriptionsMax = 4096;

std::uint64_t subtract_saturating(std::uint64_t a, std::uint64_t b) {
    return a - std::min(a, b);
}

std::uint64_t add_saturating(std::uint64_t a, std::uint64_t b) {
    return a + std::min(b, UINT64_MAX - a);
}

GuestEvent event_of(const GuestSubscription& subscription, Errno error) {
    return {.user_data = subscription.user_data,
            .error = static_cast<std::uint16_t>(error),
            .type = subscription.type};
}

}  // namespace

/// One poll_oneoff: the subscriptions, and how each of them stands.
class PollOneoff {
public:
    PollOneoff(Wasi& wasi, std::span<const GuestSubscription> subscriptions)
        : wasi_(wasi), subscriptions_(subscriptions) {}

    /// At least one event, in the order of the subscriptions. Errors: intr.
    Answer<std::vector<GuestEvent>> run() {
        auto clock = wasi_.clock();
        if (!clock.ok()) return clock.error();
        clock_ = *clock;
        auto started = wasi_.started_ns();
        if (!started.ok()) return started.error();
        started_ns_ = *started;
        for (const GuestSubscription& subscription : subscriptions_)
            watch(subscription);
        take_descriptors();
        for (;;) {
            const auto timeout_ns = has_event_now() ? 0 : time_left_ns();
            auto woken = leases::wait(pollfds_, timeout_ns, wasi_.state_.leases.host());
            if (!woken.ok()) return woken.error();
            auto events = collect();
            if (!events.empty()) return events;
            if (*woken == leases::Woken::interrupted) return Errno::intr;
        }
    }

private:
    /// How a subscription stands: an index into pollfds_, or known at once.
    struct Watched {
        const GuestSubscription* subscription;
        std::optional<Errno> known;
        std::size_t pollfd = 0;
        leases::Descriptor* descriptor = nullptr;
    };

    void watch(const GuestSubscription& subscription) {
        Watched watched{.subscription = &subscription, .known = {}};
        switch (EventType{subscription.type}) {
            case EventType::clock:
                if (subscription.clock_or_fd > static_cast<std::uint32_t>(ClockId::monotonic))
                    watched.known = Errno::inval;
                break;
            case EventType::fd_read:
                watch_descriptor(watched, rights::kPollFdReadwrite | rights::kFdRead, POLLIN);
                break;
            case EventType::fd_write:
                watch_descriptor(watched, rights::kPollFdReadwrite | rights::kFdWrite, POLLOUT);
                break;
            default:
                watched.known = Errno::inval;
        }
        watched_.push_back(watched);
    }

    void watch_descriptor(Watched& watched, std::uint64_t rights, short events) {
        auto found = wasi_.descriptor(watched.subscription->clock_or_fd, rights);
        if (!found.ok()) {
            watched.known = found.error();
            return;
        }
        watched.descriptor = *found;
        if ((*found)->pollable_fd() < 0) {
            watched.known = Errno::success;
            return;
        }
        watched.pollfd = pollfds_.size();
        pollfds_.push_back({.fd = -1, .events = events, .revents = 0});
    }

    /// When all leases have been used: one may have expired, and be had again, since the first.
    void take_descriptors() {
        for (const Watched& watched : watched_) {
            if (watched.descriptor != nullptr && !watched.known)
                pollfds_[watched.pollfd].fd = watched.descriptor->pollable_fd();
        }
    }

    bool has_event_now() const {
        return std::any_of(watched_.begin(), watched_.end(),
                           [](const Watched& watched) { return watched.known.has_value(); });
    }

    static bool is_clock(const Watched& watched) {
        return EventType{watched.subscription->type} == EventType::clock;
    }

    std::uint64_t left_ns(const GuestSubscription& subscription) const {
        if ((subscription.clock_flags & kClockAbsolute) == 0) {
            const std::uint64_t deadline = add_saturating(started_ns_, subscription.timeout_ns);
            return subtract_saturating(deadline, clock_->monotonic_ns());
        }
        const bool is_realtime = ClockId{subscription.clock_or_fd} == ClockId::realtime;
        return subtract_saturating(subscription.timeout_ns,
                                   is_realtime ? clock_->realtime_ns() : clock_->monotonic_ns());
    }

    /// Until the first clock; nullopt when there is none.
    std::optional<std::uint64_t> time_left_ns() const {
        std::optional<std::uint64_t> least;
        for (const Watched& watched : watched_) {
            if (!is_clock(watched)) continue;
            least = std::min(least.value_or(UINT64_MAX), left_ns(*watched.subscription));
        }
        return least;
    }

    std::vector<GuestEvent> collect() const {
        std::vector<GuestEvent> events;
        for (const Watched& watched : watched_) {
            if (auto event = event_now(watched)) events.push_back(*event);
        }
        return events;
    }

    std::optional<GuestEvent> event_now(const Watched& watched) const {
        GuestEvent event = event_of(*watched.subscription, watched.known.value_or(Errno::success));
        const bool reads = EventType{event.type} == EventType::fd_read;
        if (watched.descriptor == nullptr) {
            const bool is_due = watched.known || left_ns(*watched.subscription) == 0;
            return is_due ? std::optional(event) : std::nullopt;
        }
        if (!watched.known) {
            const short seen = pollfds_[watched.pollfd].revents;
            if (seen == 0) return std::nullopt;
            if ((seen & POLLNVAL) != 0) event.error = static_cast<std::uint16_t>(Errno::badf);
            if ((seen & POLLHUP) != 0) event.flags = kEventHangup;
        }
        if (reads) event.byte_count = watched.descriptor->readable_bytes();
        return event;
    }

    Wasi& wasi_;
    std::span<const GuestSubscription> subscriptions_;
    leases::ClockService* clock_ = nullptr;
    std::uint64_t started_ns_ = 0;
    std::vector<Watched> watched_;
    std::vector<pollfd> pollfds_;
};

Answer<std::uint64_t> Wasi::started_ns() {
    if (started_ns_) return *started_ns_;
    auto service = clock();
    if (!service.ok()) return service.error();
    started_ns_ = (*service)->monotonic_ns();
    if (state_.pending) started_ns_ = std::min(*started_ns_, state_.pending->started_ns);
    return *started_ns_;
}

Errno Wasi::poll_oneoff(Address subscriptions, Address events, Size count, Address event_count) {
    if (count == 0 || count > kSubscriptionsMax) return Errno::inval;
    if (!memory_.contains_array(events, count, sizeof(GuestEvent)) ||
        !memory_.contains_word(event_count))
        return Errno::fault;
    std::vector<GuestSubscription> wanted(count);
    const Errno error =
        memory_.read_bytes(subscriptions, std::as_writable_bytes(std::span(wanted)));
    if (error != Errno::success) return error;

    auto happened = PollOneoff(*this, wanted).run();
    if (!happened.ok()) return happened.error();
    const Errno put = memory_.write_bytes(events, std::as_bytes(std::span(*happened)));
    if (put != Errno::success) return put;
    return memory_.write_word(event_count, happened->size());
}

}  // namespace sojourn::vm
