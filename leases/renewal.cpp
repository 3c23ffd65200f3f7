#include "leases/renewal.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

namespace sojourn::leases {

Result<std::unique_ptr<Renewal>> Renewal::start(Deadlines& deadlines, const Clock& clock,
                                                std::function<void()> on_overdue) {
    std::unique_ptr<Renewal> renewal(new Renewal(deadlines, clock, std::move(on_overdue)));
    renewal->timer_ = UniqueFd(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    renewal->wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!renewal->timer_.valid() || !renewal->wake_.valid())
        return fail_errno(errno, "cannot watch the time that leases have left");
    // Signals are for the threads that were there before.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    renewal->thread_ = std::thread([raw = renewal.get()] { raw->serve(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return renewal;
}

Renewal::~Renewal() {
    if (!thread_.joinable()) return;
    is_stopping_.store(true);
    look_again();
    thread_.join();
}

void Renewal::look_again() {
    ::eventfd_write(wake_.get(), 1);
}

void Renewal::serve() {
    while (!is_stopping_.load()) {
        const auto renewed = deadlines_.renew_due(clock_.boottime_ns());
        if (renewed.has_overdue) on_overdue_();
        sleep_until(renewed.next_ns);
    }
}

void Renewal::sleep_until(std::optional<std::uint64_t> moment_ns) {
    constexpr std::uint64_t kSecondNs = 1'000'000'000;
    itimerspec left{};  // all zero: no timer
    if (moment_ns) {
        const std::uint64_t now_ns = clock_.boottime_ns();
        const std::uint64_t left_ns = std::max(*moment_ns, now_ns + 1) - now_ns;
        left.it_value = {.tv_sec = static_cast<time_t>(left_ns / kSecondNs),
                         .tv_nsec = static_cast<long>(left_ns % kSecondNs)};
    }
    ::timerfd_settime(timer_.get(), 0, &left, nullptr);
    pollfd watched[] = {{timer_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    ::poll(watched, std::size(watched), -1);
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
}

}  // namespace sojourn::leases
