#include "process/signal_watch.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace sojourn::process {

namespace {

bool is_ignored(int signal) {
    struct sigaction action {};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Result<std::unique_ptr<SignalWatch>> SignalWatch::start(const std::vector<int>& signals,
                                                        std::function<void(int signal)> handler) {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int signal : signals) {
        // A blocked signal is delivered even if it is ignored.
        if (!is_ignored(signal)) ::sigaddset(&wanted, signal);
    }
    auto watch = std::unique_ptr<SignalWatch>(new SignalWatch());
    watch->handler_ = std::move(handler);
    watch->signals_ = UniqueFd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    watch->stop_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
    if (!watch->signals_.valid() || !watch->stop_.valid()) {
        return fail_errno(errno, "cannot watch for signals");
    }
    ::pthread_sigmask(SIG_BLOCK, &wanted, &watch->mask_before_);
    watch->thread_ = std::thread([raw = watch.get()] { raw->serve(); });
    return watch;
}

SignalWatch::~SignalWatch() {
    if (!thread_.joinable()) return;
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void SignalWatch::serve() {
    for (;;) {
        pollfd watched[] = {{signals_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
        ::poll(watched, std::size(watched), -1);
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info))
            handler_(static_cast<int>(info.ssi_signo));
        if ((watched[1].revents & POLLIN) != 0) return;
    }
}

void SignalWatch::die_of(int signal) {
    ::signal(signal, SIG_DFL);
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    ::raise(signal);
    ::_exit(128 + signal);
}

}  // namespace sojourn::process
