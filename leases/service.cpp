#include "leases/service.hpp"

#include <cerrno>

#include "leases/clock.hpp"
#include "leases/directory.hpp"
#include "leases/file.hpp"
#include "leases/random.hpp"
#include "leases/socket.hpp"
#include "leases/stream.hpp"

namespace sojourn::leases {

namespace {

struct ErrnoRow {
    int host;
    Errno guest;
};

constexpr ErrnoRow kErrnoRows[] = {
#define ERRNO(name, number, host) {host, Errno::name},
#include "leases/errno.def"
#undef ERRNO
};

}  // namespace

Errno errno_of_host(int host_errno) {
    for (const ErrnoRow& row : kErrnoRows) {
        if (row.host == host_errno) return row.guest;
    }
    return Errno::io;
}

Errno errno_of_lost(ServiceKind kind) {
    switch (kind) {
        case ServiceKind::directory:
            return Errno::stale;
        case ServiceKind::connection:
            return Errno::connreset;
        default:
            return Errno::io;
    }
}

Result<std::unique_ptr<Service>> restore_service(ServiceKind kind, Bytes state) {
    switch (kind) {
        case ServiceKind::directory:
            return Directory::restore(state);
        case ServiceKind::file:
            return File::restore(state);
        case ServiceKind::stream:
            return Stream::restore(state);
        case ServiceKind::clock:
            return ClockService::restore(state);
        case ServiceKind::random:
            return RandomService::restore(state);
        case ServiceKind::listener:
            return Listener::restore(state);
        case ServiceKind::connection:
            return Connection::restore(state);
    }
    return fail(ErrorCode::corrupt, "a lease names service kind {}, which does not exist",
                static_cast<std::uint32_t>(kind));
}

}  // namespace sojourn::leases
