#include "process/internal/busy_timer.hpp"

#include <cerrno>
#include <csignal>
#include <sys/signalfd.h>
#include <unistd.h>

namespace sojourn::process {

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

timespec time_of(std::uint64_t ns) {
    return {static_cast<time_t>(ns / kSecondNs), static_cast<long>(ns % kSecondNs)};
}

}  // namespace

Result<std::unique_ptr<BusyTimer>> BusyTimer::create() {
    // A timer on processor time can only send a signal; the thread blocks it and reads it instead.
    const int signal = SIGRTMIN;
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    ::pthread_sigmask(SIG_BLOCK, &only, nullptr);

    auto timer = std::unique_ptr<BusyTimer>(new BusyTimer());
    timer->signals_ = UniqueFd(::signalfd(-1, &only, SFD_CLOEXEC | SFD_NONBLOCK));
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event._sigev_un._tid = ::gettid();
    timer->is_created_ = timer->signals_.valid() &&
                         ::timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer->timer_) == 0;
    if (!timer->is_created_) return fail_errno(errno, "cannot time the processor's use");
    return timer;
}

BusyTimer::~BusyTimer() {
    if (is_created_) ::timer_delete(timer_);
}

void BusyTimer::set(std::uint64_t busy_ns) {
    itimerspec when{};
    when.it_value = time_of(busy_ns);
    ::timer_settime(timer_, 0, &when, nullptr);
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info))
        continue;
}

}  // namespace sojourn::process
