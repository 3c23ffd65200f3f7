#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "store/types.hpp"

/// A service outside the machine, held for a time. The guest's descriptor names a lease, never a
/// handle of the host.
namespace sojourn::leases {

enum class LeaseId : std::uint64_t {};

/// What kind of thing is held. The numbers are on disk.
enum class ServiceKind : std::uint32_t {
#define KIND(name, number, service, lost) name = number,
#include "leases/kinds.def"
#undef KIND
};

std::string_view text_of(ServiceKind kind);
/// nullopt when no kind is called so.
std::optional<ServiceKind> kind_named(std::string_view text);
/// All of them, for people.
std::string kinds_for_people();

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
/// nullopt when no state is called so.
std::optional<LeaseState> state_named(std::string_view text);

inline constexpr std::uint64_t kLeaseTtlMinNs = 1'000'000;
inline constexpr std::uint64_t kLeaseTtlMaxNs = std::uint64_t{1} << 60U;

/// For how long leases are granted, by kind, in nanoseconds between these two; of a kind that is
/// not there, until they are given back.
using LeaseTerms = std::map<ServiceKind, std::uint64_t>;

struct Lease {
    LeaseId id{0};
    ServiceKind kind = ServiceKind::stream;
    LeaseState state = LeaseState::granted;
    store::Epoch epoch{0};                      ///< of the holder when granted or re-established
    std::optional<std::uint64_t> ttl_ns;        ///< nullopt: until given back
    std::optional<std::uint64_t> remaining_ns;  ///< until it expires, if it is held for a time
    std::string description;                    ///< for people: "file data/log.txt (append)"
    std::string lost_because;                   ///< the error of the attempt, when lost
};

}  // namespace sojourn::leases
