#include "vm/host/internal/sojourn_calls.hpp"

#include "leases/stream.hpp"
#include "leases/wait.hpp"
#include "vm/host/internal/wasi_types.hpp"

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

/// As an i32.
Slot refusal(leases::Errno error) {
    return static_cast<std::uint32_t>(-static_cast<std::int32_t>(error));
}

Slot refusal(const Error& error) {
    return refusal(errno_of(error));
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

leases::Answer<leases::Terminal*> SojournCalls::terminal(std::uint32_t descriptor,
                                                         std::uint64_t rights) {
    const DescriptorEntry* entry = state_.descriptors.find(descriptor);
    if (entry == nullptr) return leases::Errno::badf;
    auto service = state_.leases.use(entry->lease);
    if (!service.ok()) return service.error();
    if ((*service)->kind() != leases::ServiceKind::stream) return leases::Errno::notty;
    auto found = static_cast<leases::Stream*>(*service)->terminal();
    if (found.ok() && (rights & ~entry->rights) != 0) return leases::Errno::notcapable;
    return found;
}

std::optional<Slot> SojournCalls::terminal_size(std::uint32_t descriptor) {
    auto found = terminal(descriptor, rights::kNone);
    if (!found.ok()) return static_cast<Slot>(-static_cast<std::int64_t>(found.error()));
    const leases::WindowSize size = (*found)->state().size;
    return Slot{size.columns} << 16U | size.rows;
}

std::optional<Slot> SojournCalls::terminal_mode(std::uint32_t descriptor) {
    auto found = terminal(descriptor, rights::kNone);
    if (!found.ok()) return refusal(found.error());
    return static_cast<Slot>((*found)->state().mode);
}

std::optional<Slot> SojournCalls::set_terminal_mode(std::uint32_t descriptor, std::uint32_t mode) {
    auto found = terminal(descriptor, rights::kFdSetFlags);
    if (!found.ok()) return refusal(found.error());
    if (mode > static_cast<std::uint32_t>(leases::TerminalMode::raw))
        return refusal(leases::Errno::inval);
    const leases::Errno error = (*found)->set_mode(static_cast<leases::TerminalMode>(mode));
    return error == leases::Errno::success ? Slot{0} : refusal(error);
}

}  // namespace sojourn::vm
