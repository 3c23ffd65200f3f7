#pragma once

#include <optional>
#include <poll.h>
#include <span>

#include "leases/service.hpp"

namespace sojourn::leases {

enum class Woken : std::uint8_t {
    ready,  ///< at least one descriptor has something to say in its `revents`
    timed_out,
    interrupted,  ///< nothing was ready, and the interrupt is raised
};

/// Waits for one of `descriptors`, a time, or the interrupt. nullopt waits without a limit, 0 only
/// looks. Signals do not end it.
Answer<Woken> wait(std::span<pollfd> descriptors, std::optional<std::uint64_t> timeout_ns,
                   const Host& host);

/// Waits until `fd` has one of `events`, a hang-up or an error. Errors: again when it has not and
/// `may_wait` is false, intr when the interrupt ended the wait.
Errno wait_for(int fd, short events, bool may_wait, const Host& host);

}  // namespace sojourn::leases
