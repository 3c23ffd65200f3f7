#include "vm/host/internal/wasi.hpp"

/// Bytes in and out.
namespace sojourn::vm {

using leases::Waiting;
using leases::Whence;
using Access = GuestMemory::Access;

/// Calls `operation(buffers, done)` for piece after piece. What was transferred before an error or
/// an interruption is the result; the error comes back with the guest's next call.
template <typename Operation>
Errno Wasi::transfer(Address iovecs, Size count, Address transferred, Access access,
                     const Operation& operation) {
    if (!memory_.contains_word(transferred)) return Errno::fault;
    auto slices = memory_.read_slices(iovecs, count);
    if (!slices.ok()) return slices.error();
    std::uint64_t done = 0;
    for (Pieces pieces(memory_, *slices); !pieces.is_done();) {
        auto buffers = pieces.pin(access);
        Answer<std::size_t> moved =
            buffers.ok() ? operation(buffers->iovecs, done) : Answer<std::size_t>(buffers.error());
        if (!moved.ok() && done == 0) return moved.error();
        if (!moved.ok()) break;
        done += *moved;
        pieces.advance(*moved);
        const bool is_short = *moved < bytes_of(buffers->iovecs);
        if (*moved == 0 || (is_short && access == Access::write)) break;
    }
    return memory_.write_word(transferred, done);
}

Errno Wasi::fd_read(Fd fd, Address iovecs, Size count, Address read) {
    auto service = descriptor(fd, rights::kFdRead);
    if (!service.ok()) return service.error();
    return transfer(iovecs, count, read, Access::write,
                    [&](std::span<const iovec> buffers, std::uint64_t done) {
                        // What has arrived is delivered; only the first byte is waited for.
                        const auto waiting = done == 0 ? Waiting::allowed : Waiting::forbidden;
                        return (*service)->read(buffers, waiting);
                    });
}

Errno Wasi::fd_write(Fd fd, Address iovecs, Size count, Address written) {
    auto service = descriptor(fd, rights::kFdWrite);
    if (!service.ok()) return service.error();
    return transfer(iovecs, count, written, Access::read,
                    [&](std::span<const iovec> buffers, std::uint64_t) {
                        return (*service)->write(buffers, Waiting::allowed);
                    });
}

Errno Wasi::fd_pread(Fd fd, Address iovecs, Size count, std::uint64_t offset, Address read) {
    auto service = descriptor(fd, rights::kFdRead);
    if (!service.ok()) return service.error();
    return transfer(iovecs, count, read, Access::write,
                    [&](std::span<const iovec> buffers, std::uint64_t done) {
                        return (*service)->read_at(buffers, offset + done);
                    });
}

Errno Wasi::fd_pwrite(Fd fd, Address iovecs, Size count, std::uint64_t offset, Address written) {
    auto service = descriptor(fd, rights::kFdWrite);
    if (!service.ok()) return service.error();
    return transfer(iovecs, count, written, Access::read,
                    [&](std::span<const iovec> buffers, std::uint64_t done) {
                        return (*service)->write_at(buffers, offset + done);
                    });
}

Errno Wasi::fd_seek(Fd fd, std::uint64_t offset, std::uint32_t whence, Address position) {
    const auto from = static_cast<Whence>(whence);
    const bool only_asks = offset == 0 && from == Whence::current;
    auto service = descriptor(fd, only_asks ? rights::kFdTell : rights::kFdSeek);
    if (!service.ok()) {
        // A stream has neither right; what a program expects to hear is that it can't be seeked.
        auto stream = descriptor(fd, rights::kNone);
        const bool is_stream = stream.ok() && (*stream)->kind() == leases::ServiceKind::stream;
        return is_stream ? Errno::spipe : service.error();
    }
    if (whence > static_cast<std::uint32_t>(Whence::end)) return Errno::inval;
    if (!memory_.contains(position, 8)) return Errno::fault;
    auto moved = (*service)->seek(static_cast<std::int64_t>(offset), from);
    if (!moved.ok()) return moved.error();
    return memory_.write(position, *moved);
}

Errno Wasi::fd_tell(Fd fd, Address position) {
    return fd_seek(fd, 0, static_cast<std::uint32_t>(Whence::current), position);
}

}  // namespace sojourn::vm
