#include "tests/checkpoint/tcp_peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

namespace sojourn::tests {

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

}  // namespace

std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    ::close(socket);
    return ntohs(address.sin_port);
}

TcpPeer::TcpPeer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const sockaddr_in address = loopback(port);
    await("the guest listens", [&] {
        return ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
               0;
    });
}

TcpPeer::~TcpPeer() {
    ::close(socket_);
}

void TcpPeer::say(const std::string& text) const {
    REQUIRE(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
}

std::string TcpPeer::hear(std::size_t length) const {
    std::string text(length, '\0');
    const ssize_t got = ::recv(socket_, text.data(), text.size(), MSG_WAITALL);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
}

std::string TcpPeer::hear_all() const {
    std::string all;
    for (std::string more = hear(4096); !more.empty(); more = hear(4096))
        all += more;
    return all;
}

}  // namespace sojourn::tests
