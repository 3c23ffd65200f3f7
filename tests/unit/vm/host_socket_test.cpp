#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "leases/socket.hpp"
#include "tests/support/host_fixture.hpp"

using namespace sojourn;
using leases::Errno;
using test::GuestFixture;
using Kind = vm::HostOutcome::Kind;

namespace {

constexpr auto kResult = GuestFixture::kResult;
constexpr auto kIovecs = GuestFixture::kIovecs;
constexpr auto kBuffer = GuestFixture::kBuffer;
constexpr std::uint64_t kFlagsOut = kResult + 8;
constexpr std::uint32_t kListener = 4;  // after the directory

/// A guest with a listener, and peers that connect to it.
struct ServerFixture : GuestFixture {
    ServerFixture() {
        launch.listeners = {"127.0.0.1:0"};
        start();
    }

    UniqueFd connect() {
        std::uint16_t port = 0;
        for (const leases::Lease& lease : leases->leases()) {
            if (lease.kind != leases::ServiceKind::listener) continue;
            port = static_cast<std::uint16_t>(
                std::stoi(lease.description.substr(lease.description.rfind(':') + 1)));
        }
        UniqueFd peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(peer.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
        return peer;
    }

    std::uint32_t accepted() {
        REQUIRE(call("sock_accept", {kListener, 0, kResult}) == Errno::success);
        return memory.get<std::uint32_t>(kResult);
    }

    Errno receive(std::uint32_t fd, std::uint32_t length, std::uint32_t flags) {
        iovec(0, kBuffer, length);
        return call("sock_recv", {fd, kIovecs, 1, flags, kResult, kFlagsOut});
    }
    std::string received() { return memory.get_text(kBuffer, memory.get<std::uint32_t>(kResult)); }
};

}  // namespace

TEST_CASE("a guest accepts, receives, answers and shuts down", "[vm][host][socket]") {
    ServerFixture guest;
    const UniqueFd peer = guest.connect();
    const auto fd = guest.accepted();

    REQUIRE(::send(peer.get(), "ping", 4, 0) == 4);
    guest.memory.put(kFlagsOut, std::uint16_t{77});
    REQUIRE(guest.receive(fd, 100, 1) == Errno::success);
    REQUIRE(guest.received() == "ping");
    REQUIRE(guest.memory.get<std::uint16_t>(kFlagsOut) == 0);
    REQUIRE(guest.receive(fd, 2, 2) == Errno::success);
    REQUIRE(guest.received() == "pi");
    REQUIRE(guest.read(fd) == "ng");
    guest.memory.put_text(kBuffer, "pong");
    guest.iovec(0, kBuffer, 4);
    REQUIRE(guest.call("sock_send", {fd, kIovecs, 1, 0, kResult}) == Errno::success);
    REQUIRE(guest.write(fd, "!") == Errno::success);
    REQUIRE(guest.call("sock_shutdown", {fd, 2}) == Errno::success);

    std::string answer(100, '\0');
    REQUIRE(::recv(peer.get(), answer.data(), answer.size(), MSG_WAITALL) == 5);
    REQUIRE(answer.substr(0, 5) == "pong!");
    REQUIRE(guest.call("fd_close", {fd}) == Errno::success);
}

TEST_CASE("receiving all waits for all, and an interrupt leaves what has come",
          "[vm][host][socket]") {
    ServerFixture guest;
    const UniqueFd peer = guest.connect();
    const auto fd = guest.accepted();
    REQUIRE(::send(peer.get(), "half", 4, 0) == 4);
    guest.interrupt->raise();

    REQUIRE(guest.receive(fd, 8, 2) == Errno::success);
    REQUIRE(guest.received() == "half");

    guest.iovec(0, kBuffer, 8);
    const auto outcome =
        guest.call_for_outcome("sock_recv", {fd, kIovecs, 1, 2, kResult, kFlagsOut});
    REQUIRE(outcome.kind == Kind::interrupted);
}

TEST_CASE("sockets answer what the specification names for what they are not asked rightly",
          "[vm][host][socket]") {
    ServerFixture guest;
    const UniqueFd peer = guest.connect();
    const auto fd = guest.accepted();
    guest.iovec(0, kBuffer, 4);

    REQUIRE(guest.call("sock_accept", {kListener, 1, kResult}) == Errno::inval);
    REQUIRE(guest.call("sock_accept", {99, 0, kResult}) == Errno::badf);
    REQUIRE(guest.call("sock_accept", {1, 0, kResult}) == Errno::notsock);
    REQUIRE(guest.call("sock_accept", {fd, 0, kResult}) == Errno::notcapable);
    REQUIRE(guest.call("sock_accept", {kListener, 0, test::BufferRegion::kBytes - 3}) ==
            Errno::fault);
    REQUIRE(guest.receive(fd, 4, 4) == Errno::inval);
    REQUIRE(guest.receive(kListener, 4, 0) == Errno::notconn);
    REQUIRE(guest.receive(GuestFixture::kGrant, 4, 0) == Errno::notsock);
    REQUIRE(guest.call("sock_send", {fd, kIovecs, 1, 1, kResult}) == Errno::inval);
    REQUIRE(guest.call("sock_send", {kListener, kIovecs, 1, 0, kResult}) == Errno::notcapable);
    REQUIRE(guest.call("sock_shutdown", {fd, 0}) == Errno::inval);
    REQUIRE(guest.call("sock_shutdown", {fd, 4}) == Errno::inval);
    REQUIRE(guest.call("sock_shutdown", {kListener, 3}) == Errno::notcapable);
    REQUIRE(guest.call("sock_shutdown", {0, 3}) == Errno::notsock);
    REQUIRE(guest.call("fd_seek", {fd, 0, 0, kResult}) == Errno::spipe);
    REQUIRE(guest.call("fd_pread", {fd, kIovecs, 1, 0, kResult}) == Errno::spipe);
    REQUIRE(guest.call("fd_prestat_get", {kListener, kResult}) == Errno::badf);
}

TEST_CASE("a listener survives a reincarnation, its connections are reset", "[vm][host][socket]") {
    ServerFixture guest;
    const UniqueFd peer = guest.connect();
    const auto fd = guest.accepted();
    REQUIRE(guest.call("fd_fdstat_set_flags", {kListener, 4}) == Errno::success);
    const auto saved_leases = *guest.leases->capture();
    const auto saved_calls = guest.dispatcher->capture();
    guest.dispatcher.reset();
    guest.leases.reset();

    guest.leases = *leases::LeaseManager::restore(saved_leases, guest.host, store::Epoch{2});
    guest.leases->reestablish_all();
    guest.dispatcher = *vm::Dispatcher::restore(*guest.leases, saved_calls, guest.supervisor);

    REQUIRE(guest.receive(fd, 4, 0) == Errno::connreset);
    REQUIRE(guest.write(fd, "x") == Errno::connreset);
    REQUIRE(guest.call("fd_close", {fd}) == Errno::success);
    REQUIRE(guest.call("sock_accept", {kListener, 0, kResult}) == Errno::again);
    const UniqueFd next = guest.connect();
    REQUIRE(guest.accepted() == fd);
}
