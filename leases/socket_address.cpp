#include "leases/internal/socket_address.hpp"

#include <cerrno>
#include <memory>
#include <netdb.h>

#include <fmt/format.h>

#include "base/number.hpp"

namespace sojourn::leases {

namespace {

struct HostAndPort {
    std::string host;
    std::string port;
};

/// nullopt unless it is HOST:PORT, or [HOST]:PORT.
std::optional<HostAndPort> split(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    HostAndPort parts{text.substr(0, colon), text.substr(colon + 1)};
    const bool has_brackets = parts.host.starts_with('[') && parts.host.ends_with(']');
    if (has_brackets) parts.host = parts.host.substr(1, parts.host.size() - 2);
    if (!has_brackets && parts.host.find(':') != std::string::npos) return std::nullopt;

    if (parts.host.empty() || !parse_number<std::uint16_t>(parts.port)) return std::nullopt;
    return parts;
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(const std::string& text, Names names) {
    const auto parts = split(text);
    if (!parts) {
        return fail(ErrorCode::invalid_argument,
                    "'{}' is no address; write 127.0.0.1:8080 or [::1]:8080", text);
    }
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICSERV | (names == Names::numeric ? AI_NUMERICHOST : 0);
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(parts->host.c_str(), parts->port.c_str(), &wanted, &found);
    if (error != 0) {
        return fail(ErrorCode::invalid_argument, "'{}' is no address of this host: {}", text,
                    ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> first(found, ::freeaddrinfo);
    SocketAddress address;
    std::memcpy(&address.storage_, first->ai_addr, first->ai_addrlen);
    address.length_ = first->ai_addrlen;
    return address;
}

std::string SocketAddress::text() const {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getnameinfo(get(), length_, host.data(), host.size(), port.data(), port.size(),
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return "unknown";
    const bool has_colons = storage_.ss_family == AF_INET6;
    return has_colons ? fmt::format("[{}]:{}", host.data(), port.data())
                      : fmt::format("{}:{}", host.data(), port.data());
}

}  // namespace sojourn::leases
