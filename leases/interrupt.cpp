#include <cerrno>
#include <sys/eventfd.h>
#include <unistd.h>

#include "leases/service.hpp"

namespace sojourn::leases {

Result<std::unique_ptr<Interrupt>> Interrupt::create() {
    auto interrupt = std::make_unique<Interrupt>();
    interrupt->event_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!interrupt->event_.valid()) return fail_errno(errno, "cannot create an event descriptor");
    return interrupt;
}

void Interrupt::raise() {
    const int errno_before = errno;  // a signal handler leaves errno as it was
    raised_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof(one));
    errno = errno_before;
}

void Interrupt::clear() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event_.get(), &count, sizeof(count));
    raised_.store(false, std::memory_order_release);
}

}  // namespace sojourn::leases
