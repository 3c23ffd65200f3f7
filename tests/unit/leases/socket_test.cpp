#include "leases/socket.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using test::HostFixture;

namespace {

std::uint16_t port_of(const Listener& listener) {
    const std::string& address = listener.address();
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

/// Whether somebody can connect from outside: rather than to himself, by the same port.
bool connects(const UniqueFd& socket, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    if (::connect(socket.get(), name, sizeof(address)) != 0) return false;
    socklen_t length = sizeof(address);
    return ::getsockname(socket.get(), name, &length) == 0 && address.sin_port != htons(port);
}

UniqueFd connected_to(const Listener& listener) {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(connects(socket, port_of(listener)));
    return socket;
}

std::unique_ptr<Listener> listening(const HostFixture& fixture) {
    auto listener = Listener::open("127.0.0.1:0", fixture.host);
    REQUIRE(listener.ok());
    return std::move(*listener);
}

Answer<std::string> received(Descriptor& connection, Receive how) {
    std::string text(100, '\0');
    const iovec buffer = test::buffer_of(text);
    auto count = connection.receive({&buffer, 1}, how, Waiting::allowed);
    if (!count.ok()) return count.error();
    text.resize(*count);
    return text;
}

}  // namespace

TEST_CASE("a listener accepts, and what is sent arrives until either side shuts down",
          "[leases][socket]") {
    HostFixture fixture;
    const auto listener = listening(fixture);
    const UniqueFd peer = connected_to(*listener);

    auto accepted = listener->accept(0);
    REQUIRE(accepted.ok());
    Descriptor& connection = **accepted;

    REQUIRE(::send(peer.get(), "hello", 5, 0) == 5);
    REQUIRE(*received(connection, Receive::peek) == "hello");
    REQUIRE(connection.readable_bytes() == 5);
    REQUIRE(*received(connection, Receive::consume) == "hello");
    REQUIRE(test::write_text(connection, "answer") == Errno::success);
    REQUIRE(connection.shut_down(Direction::out) == Errno::success);
    REQUIRE(test::write_text(connection, "more") == Errno::pipe);
    std::string answer(100, '\0');
    REQUIRE(::recv(peer.get(), answer.data(), answer.size(), MSG_WAITALL) == 6);
    REQUIRE(connection.type() == FileType::socket_stream);
}

TEST_CASE("waiting for a peer or its bytes ends with an interrupt, and is not begun when forbidden",
          "[leases][socket]") {
    HostFixture fixture;
    const auto listener = listening(fixture);

    REQUIRE(listener->set_flags(kNonBlocking) == Errno::success);
    REQUIRE(listener->accept(0).error() == Errno::again);
    REQUIRE(listener->set_flags(0) == Errno::success);
    fixture.interrupt->raise();
    REQUIRE(listener->accept(0).error() == Errno::intr);

    const UniqueFd peer = connected_to(*listener);
    auto connection = listener->accept(kNonBlocking);
    REQUIRE(connection.ok());
    REQUIRE((*connection)->flags() == kNonBlocking);
    REQUIRE(received(**connection, Receive::consume).error() == Errno::again);
    REQUIRE((*connection)->set_flags(0) == Errno::success);
    REQUIRE(received(**connection, Receive::consume).error() == Errno::intr);
    REQUIRE((*connection)->set_flags(kAppend) == Errno::notsup);
}

TEST_CASE("a resume listens on the same port, and says which address is taken",
          "[leases][socket]") {
    HostFixture fixture;
    auto listener = listening(fixture);
    const std::string address = listener->address();
    const ByteVector state = *listener->capture();
    auto restored = *Listener::restore(state);

    const auto taken = restored->reacquire(fixture.host);
    REQUIRE_FALSE(taken.ok());
    REQUIRE(taken.error().message.find(address) != std::string::npos);

    listener->release();
    REQUIRE(restored->reacquire(fixture.host).ok());
    auto& again = static_cast<Listener&>(*restored);
    REQUIRE(again.address() == address);
    const UniqueFd peer = connected_to(again);
    REQUIRE(again.accept(0).ok());
}

TEST_CASE("nobody can connect to a listener that is only looked for", "[leases][socket]") {
    HostFixture fixture;
    const auto listener = listening(fixture);
    const std::uint16_t port = port_of(*listener);
    listener->release();
    std::atomic<bool> has_ended = false;
    std::thread looker([&] {
        while (!has_ended)
            static_cast<void>(listener->probe(fixture.host));
    });

    int connections = 0;
    for (int i = 0; i < 5000; ++i) {
        const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        connections += connects(socket, port) ? 1 : 0;
    }
    has_ended = true;
    looker.join();

    CHECK(connections == 0);
    CHECK(listener->probe(fixture.host).ok());
}

TEST_CASE("a connection that is given back unfinished is reset for its peer and lost for the guest",
          "[leases][socket]") {
    HostFixture fixture;
    const auto listener = listening(fixture);
    const UniqueFd peer = connected_to(*listener);
    LeaseManager manager(fixture.host, store::Epoch{1});
    const LeaseId lease = manager.grant(std::move(*listener->accept(0)));

    REQUIRE(manager.expire_all().ok());

    char byte = 0;
    REQUIRE(::recv(peer.get(), &byte, 1, 0) == -1);
    REQUIRE(errno == ECONNRESET);
    REQUIRE(manager.use(lease).error() == Errno::connreset);
    const auto restored = LeaseManager::restore(*manager.capture(), fixture.host, store::Epoch{2});
    REQUIRE((*restored)->use(lease).error() == Errno::connreset);
}

TEST_CASE("what is no address is refused with an example", "[leases][socket]") {
    HostFixture fixture;
    for (const char* text : {"", "8080", ":8080", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                             "127.0.0.1:80x", "[::1", "999.1.1.1:80"}) {
        CAPTURE(text);
        const auto listener = Listener::open(text, fixture.host);
        REQUIRE(listener.error().code == ErrorCode::invalid_argument);
        REQUIRE(listener.error().message.find(text) != std::string::npos);
    }
}

TEST_CASE("a saved socket that makes no sense is refused", "[leases][socket]") {
    ByteWriter name;
    name.put_sized(std::string_view("localhost:80"));
    name.put(DescriptorFlags{0});
    REQUIRE(Listener::restore(name.view()).error().code == ErrorCode::corrupt);
    ByteWriter flags;
    flags.put_sized(std::string_view("127.0.0.1:80"));
    flags.put(kAppend);
    REQUIRE(Listener::restore(flags.view()).error().code == ErrorCode::corrupt);
    REQUIRE(Connection::restore(flags.view()).error().code == ErrorCode::corrupt);
}
