#include "process/internal/control_socket.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace sojourn::process {

namespace {

constexpr int kBacklog = 64;

/// An address holds 107 bytes; the way through the open directory is always short enough.
struct ShortAddress {
    UniqueFd directory;
    sockaddr_un address{};
};

Result<ShortAddress> short_address(const std::filesystem::path& directory,
                                   const std::string& name) {
    ShortAddress result;
    result.directory = UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!result.directory.valid()) return fail_errno(errno, "cannot open {}", directory.native());
    const std::string path = fmt::format("/proc/self/fd/{}/{}", result.directory.get(), name);
    EXPECTS(path.size() < sizeof(result.address.sun_path), "a socket's name is short");
    result.address.sun_family = AF_UNIX;
    path.copy(result.address.sun_path, path.size());
    return result;
}

}  // namespace

std::string control_socket_name(store::ProcessId id) {
    return id.hex() + ".sock";
}

Result<UniqueFd> listen_in(const std::filesystem::path& directory, const std::string& name) {
    const ShortAddress place = TRY(short_address(directory, name));
    ::unlinkat(place.directory.get(), name.c_str(), 0);
    UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener.valid()) return fail_errno(errno, "cannot make a socket");
    // The file gets the socket's own mode: nobody else may ask anything of this runner.
    ::fchmod(listener.get(), 0600);
    const auto* address = reinterpret_cast<const sockaddr*>(&place.address);
    if (::bind(listener.get(), address, sizeof(place.address)) != 0 ||
        ::listen(listener.get(), kBacklog) != 0) {
        return fail_errno(errno, "cannot listen on {}", (directory / name).native());
    }
    return listener;
}

Result<UniqueFd> connect_in(const std::filesystem::path& directory, const std::string& name) {
    const ShortAddress place = TRY(short_address(directory, name));
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return fail_errno(errno, "cannot make a socket");
    const auto* address = reinterpret_cast<const sockaddr*>(&place.address);
    if (::connect(socket.get(), address, sizeof(place.address)) == 0) return socket;
    if (errno == ENOENT || errno == ECONNREFUSED) {
        return fail(ErrorCode::not_found, "nobody listens on {}", (directory / name).native());
    }
    return fail_errno(errno, "cannot connect to {}", (directory / name).native());
}

}  // namespace sojourn::process
