#include "vm/host/internal/sojourn_calls.hpp"

#include "leases/wait.hpp"

/// What a guest may ask of the virtual machine itself.
namespace sojourn::vm {

namespace {

using Slot = SojournCalls::Slot;

// What sojourn.checkpoint returns; samples/include/sojourn.h names them for guests.
constexpr Slot kDurable = 0;
constexpr Slot kRestored = 1;

leases::Errno errno_of(const Error& error) {
    switch (error.code) {
        case ErrorCode::unsupported:
            return leases::Errno::notsup;
        case ErrorCode::store_full:
            return leases::Errno::nospc;
        default:
            return leases::Errno::io;
    }
}

Slot refusal(const Error& error) {
    return static_cast<std::uint32_t>(-static_cast<std::int32_t>(errno_of(error)));
}

Slot slot_of(const Result<Supervisor::CheckpointEnd>& end) {
    if (!end.ok()) return refusal(end.error());
    return *end == Supervisor::CheckpointEnd::restored ? kRestored : kDurable;
}

}  // namespace

std::optional<Slot> SojournCalls::checkpoint() {
    if (!state_.pending) return begin_checkpoint();
    const auto end = state_.supervisor.take_checkpoint_end();
    if (end) return slot_of(*end);
    [[maybe_unused]] const auto woken =
        leases::wait({}, std::nullopt, state_.leases.host());  // nothing but the interrupt ends it
    return std::nullopt;
}

std::optional<Slot> SojournCalls::begin_checkpoint() {
    const auto requested = state_.supervisor.request_checkpoint();
    if (!requested.ok()) return refusal(requested.error());
    return std::nullopt;
}

std::optional<Slot> SojournCalls::generation() {
    return state_.supervisor.generation();
}

}  // namespace sojourn::vm
