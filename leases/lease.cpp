#include "leases/lease.hpp"

namespace sojourn::leases {

std::string_view text_of(ServiceKind kind) {
    switch (kind) {
        case ServiceKind::directory:
            return "directory";
        case ServiceKind::file:
            return "file";
        case ServiceKind::stream:
            return "stream";
        case ServiceKind::clock:
            return "clock";
        case ServiceKind::random:
            return "random";
        case ServiceKind::listener:
            return "listener";
        case ServiceKind::connection:
            return "connection";
    }
    return "unknown";
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

}  // namespace sojourn::leases
