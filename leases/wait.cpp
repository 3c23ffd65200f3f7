#include "leases/wait.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace sojourn::leases {

namespace {

timespec timespec_of(std::uint64_t duration_ns) {
    return {.tv_sec = static_cast<time_t>(duration_ns / 1'000'000'000U),
            .tv_nsec = static_cast<long>(duration_ns % 1'000'000'000U)};
}

}  // namespace

Answer<Woken> wait(std::span<pollfd> descriptors, std::optional<std::uint64_t> timeout_ns,
                   const Host& host) {
    std::vector<pollfd> watched(descriptors.begin(), descriptors.end());
    watched.push_back({.fd = host.interrupt.fd(), .events = POLLIN, .revents = 0});
    const std::uint64_t start_ns = host.clock.monotonic_ns();
    for (;;) {
        timespec left{};
        if (timeout_ns) {
            const std::uint64_t waited_ns = host.clock.monotonic_ns() - start_ns;
            left = timespec_of(*timeout_ns - std::min(*timeout_ns, waited_ns));
        }
        const int count =
            ::ppoll(watched.data(), watched.size(), timeout_ns ? &left : nullptr, nullptr);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno_of_host(errno);
        if (count == 0) return Woken::timed_out;

        const bool interrupted = watched.back().revents != 0;
        if (interrupted && count == 1) return Woken::interrupted;
        std::copy_n(watched.begin(), descriptors.size(), descriptors.begin());
        return Woken::ready;
    }
}

Errno wait_for(int fd, short events, bool may_wait, const Host& host) {
    pollfd watched{.fd = fd, .events = events, .revents = 0};
    auto woken =
        wait({&watched, 1}, may_wait ? std::nullopt : std::optional<std::uint64_t>(0), host);
    if (!woken.ok()) return woken.error();
    if (*woken == Woken::ready) return Errno::success;
    return *woken == Woken::interrupted && may_wait ? Errno::intr : Errno::again;
}

}  // namespace sojourn::leases
