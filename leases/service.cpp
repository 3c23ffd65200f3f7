#include "leases/service.hpp"

#include <cerrno>

#include "leases/clock.hpp"
#include "leases/file.hpp"
#include "leases/host_directory.hpp"
#include "leases/random.hpp"
#include "leases/socket.hpp"
#include "leases/stream.hpp"
#include "leases/volume/volume_directory.hpp"
#include "leases/volume/volume_file.hpp"

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

template <typename Base>
bool is_a(ServiceKind kind) {
    switch (kind) {
#define KIND(name, number, service, lost) \
    case ServiceKind::name:               \
        return std::is_base_of_v<Base, service>;
#include "leases/kinds.def"
#undef KIND
    }
    return false;
}

}  // namespace

Errno errno_of_host(int host_errno) {
    for (const ErrnoRow& row : kErrnoRows) {
        if (row.host == host_errno) return row.guest;
    }
    return Errno::io;
}

Errno errno_of_call(int result) {
    return result == 0 ? Errno::success : errno_of_host(errno);
}

Errno errno_of_lost(ServiceKind kind) {
    switch (kind) {
#define KIND(name, number, service, lost) \
    case ServiceKind::name:               \
        return Errno::lost;
#include "leases/kinds.def"
#undef KIND
    }
    return Errno::io;
}

bool is_descriptor(ServiceKind kind) {
    return is_a<Descriptor>(kind);
}

bool is_directory(ServiceKind kind) {
    return is_a<Directory>(kind);
}

Result<std::unique_ptr<Service>> restore_service(ServiceKind kind, Bytes state) {
    switch (kind) {
#define KIND(name, number, service, lost) \
    case ServiceKind::name:               \
        return service::restore(state);
#include "leases/kinds.def"
#undef KIND
    }
    return fail(ErrorCode::corrupt, "a lease names service kind {}, which does not exist",
                static_cast<std::uint32_t>(kind));
}

}  // namespace sojourn::leases
