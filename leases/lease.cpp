#include "leases/lease.hpp"

namespace sojourn::leases {

std::string_view text_of(ServiceKind kind) {
    switch (kind) {
#define KIND(name, number, service, lost) \
    case ServiceKind::name:               \
        return #name;
#include "leases/kinds.def"
#undef KIND
    }
    return "unknown";
}

std::optional<ServiceKind> kind_named(std::string_view text) {
#define KIND(name, number, service, lost) \
    if (text == #name) return ServiceKind::name;
#include "leases/kinds.def"
#undef KIND
    return std::nullopt;
}

std::string kinds_for_people() {
    std::string list;
#define KIND(name, number, service, lost) list += list.empty() ? #name : ", " #name;
#include "leases/kinds.def"
#undef KIND
    return list;
}

std::string_view text_of(LeaseState state) {
    switch (state) {
        case LeaseState::granted:
            return "granted";
        case LeaseState::expiring:
            return "expiring";
        case LeaseState::expired:
            return "expired";
        case LeaseState::reestablished:
            return "reestablished";
        case LeaseState::lost:
            return "lost";
    }
    return "unknown";
}

std::optional<LeaseState> state_named(std::string_view text) {
    for (const LeaseState state : {LeaseState::granted, LeaseState::expiring, LeaseState::expired,
                                   LeaseState::reestablished, LeaseState::lost}) {
        if (text == text_of(state)) return state;
    }
    return std::nullopt;
}

}  // namespace sojourn::leases
