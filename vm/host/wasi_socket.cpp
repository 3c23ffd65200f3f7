#include "vm/host/internal/wasi_transfer.hpp"

/// What is done with sockets alone.
namespace sojourn::vm {

using leases::Descriptor;
using leases::Direction;
using leases::Receive;
using leases::Waiting;

Answer<Descriptor*> Wasi::socket(Fd fd, std::uint64_t rights) {
    auto service = descriptor(fd, rights::kNone);
    if (!service.ok()) return service.error();
    if ((*service)->type() != leases::FileType::socket_stream) return Errno::notsock;
    return descriptor(fd, rights);
}

Errno Wasi::sock_accept(Fd fd, Flags flags, Address accepted) {
    if (!memory_.contains(accepted, 4)) return Errno::fault;
    if ((flags & ~Flags{leases::kNonBlocking}) != 0) return Errno::inval;
    auto listener = socket(fd, rights::kSockAccept);
    if (!listener.ok()) return listener.error();
    if (!can_open_more()) return Errno::mfile;
    auto connection = (*listener)->accept(static_cast<leases::DescriptorFlags>(flags));
    if (!connection.ok()) return connection.error();
    const std::uint64_t grantable = state_.descriptors.find(fd)->rights_inheriting;
    const DescriptorEntry entry{
        .lease = state_.leases.grant(std::move(*connection)),
        .rights = rights::kConnection & grantable,
    };
    return memory_.write(accepted, state_.descriptors.add(entry));
}

Errno Wasi::sock_recv(Fd fd, Address iovecs, Size count, Flags flags, Address read, Address out) {
    if (!memory_.contains(out, sizeof(std::uint16_t))) return Errno::fault;
    if (flags > (kReceivePeek | kReceiveWaitAll)) return Errno::inval;
    auto connection = socket(fd, rights::kFdRead);
    if (!connection.ok()) return connection.error();
    const auto how = (flags & kReceivePeek) != 0 ? Receive::peek : Receive::consume;
    const bool waits_for_all = (flags & kReceiveWaitAll) != 0;
    const Errno error =
        transfer(iovecs, count, read, waits_for_all ? Transfer::in_whole : Transfer::in,
                 [&](std::span<const iovec> buffers, std::uint64_t done) -> Answer<std::size_t> {
                     // What was only looked at would be seen again.
                     if (done > 0 && how == Receive::peek) return std::size_t{0};
                     const bool may_wait = done == 0 || waits_for_all;
                     return (*connection)
                         ->receive(buffers, how, may_wait ? Waiting::allowed : Waiting::forbidden);
                 });
    if (error != Errno::success) return error;
    return memory_.write(out, std::uint16_t{0});  // a stream's messages are never cut off
}

Errno Wasi::sock_send(Fd fd, Address iovecs, Size count, Flags flags, Address written) {
    if (flags != 0) return Errno::inval;  // there are none yet
    auto connection = socket(fd, rights::kFdWrite);
    if (!connection.ok()) return connection.error();
    return transfer(iovecs, count, written, Transfer::out,
                    [&](std::span<const iovec> buffers, std::uint64_t) {
                        return (*connection)->write(buffers, Waiting::allowed);
                    });
}

Errno Wasi::sock_shutdown(Fd fd, Flags how) {
    auto connection = socket(fd, rights::kSockShutdown);
    if (!connection.ok()) return connection.error();
    switch (how) {
        case kShutdownRead:
            return (*connection)->shut_down(Direction::in);
        case kShutdownWrite:
            return (*connection)->shut_down(Direction::out);
        case kShutdownRead | kShutdownWrite:
            return (*connection)->shut_down(Direction::both);
        default:
            return Errno::inval;
    }
}

}  // namespace sojourn::vm
