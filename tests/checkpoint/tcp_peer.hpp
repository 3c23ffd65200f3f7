#pragma once

#include <cstdint>
#include <string>

namespace sojourn::tests {

/// One of this host that nobody listens on just now.
std::uint16_t free_port();

/// Somebody who speaks to a guest's server on this host.
class TcpPeer {
public:
    /// Connects, and waits until somebody listens.
    explicit TcpPeer(std::uint16_t port);
    TcpPeer(const TcpPeer&) = delete;
    TcpPeer& operator=(const TcpPeer&) = delete;
    ~TcpPeer();

    void say(const std::string& text) const;
    /// So many bytes; fewer, or none, when the connection ended before.
    [[nodiscard]] std::string hear(std::size_t length) const;
    /// All that comes until the connection ends.
    [[nodiscard]] std::string hear_all() const;

private:
    int socket_;
};

}  // namespace sojourn::tests
