#include "leases/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

#include <climits>

#include "leases/wait.hpp"

namespace sojourn::leases {

namespace {

constexpr std::uint32_t kStreamCount = 3;

/// At most `bytes_max` of what `buffers` span.
std::vector<iovec> first_bytes(std::span<const iovec> buffers, std::size_t bytes_max) {
    std::vector<iovec> result;
    for (const iovec& buffer : buffers) {
        const std::size_t length = std::min(buffer.iov_len, bytes_max);
        bytes_max -= length;
        if (length > 0) result.push_back({.iov_base = buffer.iov_base, .iov_len = length});
    }
    return result;
}

}  // namespace

std::unique_ptr<Stream> Stream::open(std::uint32_t number, const Host& host) {
    EXPECTS(number < kStreamCount, "there are three standard streams");
    std::unique_ptr<Stream> stream(new Stream({.number = number, .flags = 0}));
    stream->host_ = &host;
    stream->fd_ = host.streams[number];
    return stream;
}

std::string Stream::description() const {
    constexpr std::array kNames = {"input", "output", "error"};
    return fmt::format("standard {}", kNames[state_.number]);
}

Result<ByteVector> Stream::capture() {
    ByteWriter writer;
    writer.put(state_.number);
    writer.put(state_.flags);
    return writer.take();
}

Result<std::unique_ptr<Service>> Stream::restore(Bytes state) {
    ByteReader reader(state, "the state of a stream lease");
    State restored;
    restored.number = TRY(reader.get<std::uint32_t>());
    restored.flags = TRY(reader.get<DescriptorFlags>());
    TRY(reader.expect_end());
    if (restored.number >= kStreamCount || restored.flags > kDescriptorFlags)
        return fail(ErrorCode::corrupt, "a saved lease names standard stream {}", restored.number);
    return std::unique_ptr<Service>(new Stream(restored));
}

void Stream::release() {
    host_ = nullptr;
    fd_ = -1;
}

Result<void> Stream::reacquire(const Host& host) {
    host_ = &host;
    fd_ = host.streams[state_.number];
    return {};
}

FileType Stream::type() const {
    if (::isatty(fd_) == 1) return FileType::character_device;
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return FileType::unknown;
    const FileType type = file_type_of(status.st_mode);
    return type == FileType::character_device ? FileType::unknown : type;
}

Errno Stream::set_flags(DescriptorFlags flags) {
    if ((flags & ~(kAppend | kNonBlocking)) != 0) return Errno::notsup;
    state_.flags = flags;
    return Errno::success;
}

Answer<FileStatus> Stream::status() const {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return errno_of_host(errno);
    return file_status_of(status);
}

Answer<std::size_t> Stream::read(std::span<const iovec> buffers, Waiting waiting) {
    for (;;) {
        if (const Errno error = wait_until(POLLIN, waiting); error != Errno::success) return error;
        const ssize_t got = ::readv(fd_, buffers.data(), static_cast<int>(buffers.size()));
        if (got >= 0) return static_cast<std::size_t>(got);
        // Somebody who shares the stream was faster.
        if (errno == EINTR || (errno == EAGAIN && waiting == Waiting::allowed)) continue;
        return errno_of_host(errno);
    }
}

Answer<std::size_t> Stream::write(std::span<const iovec> buffers, Waiting waiting) {
    // A stream that is ready takes PIPE_BUF bytes at once, and more might block for ever.
    const std::vector<iovec> ready = first_bytes(buffers, PIPE_BUF);
    for (;;) {
        if (const Errno error = wait_until(POLLOUT, waiting); error != Errno::success) return error;
        const ssize_t written = ::writev(fd_, ready.data(), static_cast<int>(ready.size()));
        if (written >= 0) return static_cast<std::size_t>(written);
        if (errno == EINTR || (errno == EAGAIN && waiting == Waiting::allowed)) continue;
        return errno_of_host(errno);
    }
}

Errno Stream::sync() {
    if (::fsync(fd_) == 0 || errno == EINVAL || errno == EROFS) return Errno::success;
    return errno_of_host(errno);
}

std::uint64_t Stream::readable_bytes() const {
    int count = 0;
    if (::ioctl(fd_, FIONREAD, &count) != 0) return 0;
    return static_cast<std::uint64_t>(count);
}

Errno Stream::wait_until(short events, Waiting waiting) {
    const bool may_wait = waiting == Waiting::allowed && (state_.flags & kNonBlocking) == 0;
    pollfd stream{.fd = fd_, .events = events, .revents = 0};
    auto woken =
        wait({&stream, 1}, may_wait ? std::nullopt : std::optional<std::uint64_t>(0), *host_);
    if (!woken.ok()) return woken.error();
    if (*woken == Woken::ready) return Errno::success;
    return *woken == Woken::interrupted && may_wait ? Errno::intr : Errno::again;
}

}  // namespace sojourn::leases
