#include "vm/host/internal/wasi_transfer.hpp"

/// Bytes in and out.
namespace sojourn::vm {

using leases::Waiting;
using leases::Whence;

Errno Wasi::fd_read(Fd fd, Address iovecs, Size count, Address read) {
    auto service = descriptor(fd, rights::kFdRead);
    if (!service.ok()) return service.error();
    return transfer(iovecs, count, read, Transfer::in,
                    [&](std::span<const iovec> buffers, std::uint64_t done) {
                        // What has arrived is delivered; only the first byte is waited for.
                        const auto waiting = done == 0 ? Waiting::allowed : Waiting::forbidden;
                        return (*service)->read(buffers, waiting);
                    });
}

Errno Wasi::fd_write(Fd fd, Address iovecs, Size count, Address written) {
    auto service = descriptor(fd, rights::kFdWrite);
    if (!service.ok()) return service.error();
    return transfer(iovecs, count, written, Transfer::out,
                    [&](std::span<const iovec> buffers, std::uint64_t) {
                        return (*service)->write(buffers, Waiting::allowed);
                    });
}

Errno Wasi::fd_pread(Fd fd, Address iovecs, Size count, std::uint64_t offset, Address read) {
    auto service = seekable(fd, rights::kFdRead | rights::kFdSeek);
    if (!service.ok()) return service.error();
    return transfer(iovecs, count, read, Transfer::in,
                    [&](std::span<const iovec> buffers, std::uint64_t done) {
                        return (*service)->read_at(buffers, offset + done);
                    });
}

Errno Wasi::fd_pwrite(Fd fd, Address iovecs, Size count, std::uint64_t offset, Address written) {
    auto service = seekable(fd, rights::kFdWrite | rights::kFdSeek);
    if (!service.ok()) return service.error();
    return transfer(iovecs, count, written, Transfer::out,
                    [&](std::span<const iovec> buffers, std::uint64_t done) {
                        return (*service)->write_at(buffers, offset + done);
                    });
}

Errno Wasi::fd_seek(Fd fd, std::uint64_t offset, std::uint32_t whence, Address position) {
    const auto from = static_cast<Whence>(whence);
    const bool only_asks = offset == 0 && from == Whence::current;
    auto service = seekable(fd, only_asks ? rights::kFdTell : rights::kFdSeek);
    if (!service.ok()) return service.error();
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
