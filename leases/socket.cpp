#include "leases/socket.hpp"

#include <cerrno>
#include <sys/ioctl.h>

#include "base/trace.hpp"
#include "leases/internal/socket_address.hpp"
#include "leases/wait.hpp"

namespace sojourn::leases {

namespace {

constexpr int kBacklog = 128;

Answer<FileStatus> status_of_socket(int socket) {
    struct stat status {};
    if (::fstat(socket, &status) != 0) return errno_of_host(errno);
    return file_status_of(status);
}

/// Of what a socket can have, only whether it waits can be chosen.
Errno change_flags(DescriptorFlags& flags, DescriptorFlags wanted) {
    if ((wanted & ~kNonBlocking) != 0) return Errno::notsup;
    flags = wanted;
    return Errno::success;
}

/// Nobody can connect yet. Fails where somebody else listens.
Result<UniqueFd> bind_to(const SocketAddress& address) {
    constexpr int kYes = 1;
    UniqueFd socket(
        ::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid()) return fail_errno(errno, "cannot make a socket for {}", address.text());
    // Connections that the runner before us had may still be closing.
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &kYes, sizeof(kYes));
    if (::bind(socket.get(), address.get(), address.length()) != 0)
        return fail_errno(errno, "cannot listen on {}", address.text());
    return socket;
}

Result<UniqueFd> listen_on(const SocketAddress& address) {
    UniqueFd socket = TRY(bind_to(address));
    if (::listen(socket.get(), kBacklog) != 0)
        return fail_errno(errno, "cannot listen on {}", address.text());
    return socket;
}

/// The state of both kinds.
ByteVector encode(const std::string& address, DescriptorFlags flags) {
    ByteWriter writer;
    writer.put_sized(std::string_view(address));
    writer.put(flags);
    return writer.take();
}

struct Saved {
    std::string address;
    DescriptorFlags flags = 0;
};

Result<Saved> decode(Bytes state, std::string_view subject) {
    ByteReader reader(state, subject);
    Saved saved;
    saved.address = TRY(reader.get_string());
    saved.flags = TRY(reader.get<DescriptorFlags>());
    TRY(reader.expect_end());
    if ((saved.flags & ~kNonBlocking) != 0)
        return fail(ErrorCode::corrupt, "{} has flags {}", subject, saved.flags);
    return saved;
}

}  // namespace

Result<std::string> numeric_address(const std::string& text) {
    const auto address = TRY(SocketAddress::parse(text, SocketAddress::Names::resolved));
    return address.text();
}

Result<std::unique_ptr<Listener>> Listener::open(const std::string& address, const Host& host) {
    auto numeric = TRY(numeric_address(address));
    std::unique_ptr<Listener> listener(new Listener({.address = std::move(numeric), .flags = 0}));
    TRY(listener->reacquire(host));
    return listener;
}

Result<ByteVector> Listener::capture() {
    return encode(state_.address, state_.flags);
}

Result<std::unique_ptr<Service>> Listener::restore(Bytes state) {
    constexpr std::string_view kSubject = "the state of a listener lease";
    auto saved = TRY(decode(state, kSubject));
    if (!SocketAddress::parse(saved.address, SocketAddress::Names::numeric).ok())
        return fail(ErrorCode::corrupt, "{} names no address", kSubject);
    return std::unique_ptr<Service>(new Listener({std::move(saved.address), saved.flags}));
}

Result<void> Listener::reacquire(const Host& host) {
    auto address = TRY(SocketAddress::parse(state_.address, SocketAddress::Names::numeric));
    socket_ = TRY(listen_on(address));
    host_ = &host;
    if (::getsockname(socket_.get(), address.out(), address.length_out()) == 0)
        state_.address = address.text();
    const std::string& bound_to = state_.address;
    TRACE(leases, "listening", bound_to);
    return {};
}

Result<void> Listener::probe(const Host&) const {
    const auto address = TRY(SocketAddress::parse(state_.address, SocketAddress::Names::numeric));
    TRY(bind_to(address));
    return {};
}

void Listener::relocate(const Relocation& relocation) {
    if (auto moved = relocation.moved_exactly(state_.address)) state_.address = *std::move(moved);
}

Errno Listener::set_flags(DescriptorFlags flags) {
    return change_flags(state_.flags, flags);
}

Answer<FileStatus> Listener::status() const {
    return status_of_socket(socket_.get());
}

Answer<std::unique_ptr<Descriptor>> Listener::accept(DescriptorFlags flags) {
    for (;;) {
        const Errno error =
            wait_for(socket_.get(), POLLIN, (state_.flags & kNonBlocking) == 0, *host_);
        if (error != Errno::success) return error;
        SocketAddress peer;
        UniqueFd accepted(
            ::accept4(socket_.get(), peer.out(), peer.length_out(), SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (accepted.valid()) {
            return std::unique_ptr<Descriptor>(
                new Connection({peer.text(), flags}, std::move(accepted), *host_));
        }
        // Who was there when we looked has gone.
        if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED) return errno_of_host(errno);
    }
}

Result<ByteVector> Connection::capture() {
    return encode(state_.peer, state_.flags);
}

Result<std::unique_ptr<Service>> Connection::restore(Bytes state) {
    auto saved = TRY(decode(state, "the state of a connection lease"));
    return std::unique_ptr<Service>(new Connection({std::move(saved.address), saved.flags}));
}

void Connection::release() {
    constexpr linger kReset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &kReset, sizeof(kReset));
    socket_ = UniqueFd();
}

Result<void> Connection::reacquire(const Host& host) {
    return probe(host);
}

Result<void> Connection::probe(const Host&) const {
    return fail(ErrorCode::not_found, "the {} has ended with the runner that had it",
                description());
}

Errno Connection::set_flags(DescriptorFlags flags) {
    return change_flags(state_.flags, flags);
}

Answer<FileStatus> Connection::status() const {
    return status_of_socket(socket_.get());
}

Answer<std::size_t> Connection::receive(std::span<const iovec> buffers, Receive how,
                                        Waiting waiting) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(buffers.data());
    message.msg_iovlen = buffers.size();
    for (;;) {
        const Errno error = wait_for(socket_.get(), POLLIN, may_wait(waiting), *host_);
        if (error != Errno::success) return error;
        const ssize_t got = ::recvmsg(socket_.get(), &message, how == Receive::peek ? MSG_PEEK : 0);
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR && errno != EAGAIN) return errno_of_host(errno);
    }
}

Answer<std::size_t> Connection::write(std::span<const iovec> buffers, Waiting waiting) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(buffers.data());
    message.msg_iovlen = buffers.size();
    for (;;) {
        const Errno error = wait_for(socket_.get(), POLLOUT, may_wait(waiting), *host_);
        if (error != Errno::success) return error;
        const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (sent >= 0) return static_cast<std::size_t>(sent);
        if (errno != EINTR && errno != EAGAIN) return errno_of_host(errno);
    }
}

Errno Connection::shut_down(Direction direction) {
    const int how = direction == Direction::in    ? SHUT_RD
                    : direction == Direction::out ? SHUT_WR
                                                  : SHUT_RDWR;
    return ::shutdown(socket_.get(), how) == 0 ? Errno::success : errno_of_host(errno);
}

std::uint64_t Connection::readable_bytes() const {
    int count = 0;
    if (::ioctl(socket_.get(), FIONREAD, &count) != 0) return 0;
    return static_cast<std::uint64_t>(count);
}

}  // namespace sojourn::leases
