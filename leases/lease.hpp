#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "store/types.hpp"

/// A service outside the machine, held for a time. The guest's descriptor names a lease, never a
/// handle of the host.
namespace sojourn::leases {

enum class LeaseId : std::uint64_t {};

/// What kind of thing is held. The numbers are on disk (docs/formats/leases.md).
enum class ServiceKind : std::uint32_t {
    directory = 1,
    file = 2,
    stream = 3,  ///< a standard stream of the runner
    clock = 4,
    random = 5,
    listener = 6,    ///< a socket that accepts connections
    connection = 7,  ///< an accepted one
};

std::string_view text_of(ServiceKind kind);

///              ┌── renew ──┐
///   granted ───┴───────────┴──► expiring ──► expired ──► reestablished ──► (as granted)
///                                                   └──► lost
enum class LeaseState : std::uint32_t {
    granted = 1,
    expiring = 2,       ///< being given back: the service is captured, then released
    expired = 3,        ///< nothing of the host is held; the recipe says how to get it again
    reestablished = 4,  ///< held again, after at least one expiry
    lost = 5,           ///< could not be had again; every use gives the error of its kind
};

std::string_view text_of(LeaseState state);

struct Lease {
    LeaseId id{0};
    ServiceKind kind = ServiceKind::stream;
    LeaseState state = LeaseState::granted;
    store::Epoch epoch{0};                ///< of the holder when granted or re-established
    std::optional<std::uint64_t> ttl_ns;  ///< nullopt: until given back
    std::uint64_t deadline_ns = 0;        ///< on the holder's own monotonic clock
    std::string description;              ///< for people: "file data/log.txt (append)"
    std::string lost_because;             ///< the error of the attempt, when lost
};

}  // namespace sojourn::leases
