#include "leases/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <climits>

#include "leases/file.hpp"
#include "leases/file_history.hpp"
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

Result<TypedPieces> get_unread(ByteReader& reader) {
    const auto count = TRY(reader.get_count(sizeof(std::uint32_t)));
    TypedPieces pieces;
    std::size_t bytes = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        pieces.push_back(TRY(reader.get_string()));
        bytes += pieces.back().size();
    }
    if (bytes <= Console::kUnreadMax && count <= Console::kUnreadMax) return pieces;
    return fail(ErrorCode::corrupt, "a saved standard stream has {} bytes unread", bytes);
}

/// Never waits, as for a pipe's other end.
int how_to_open(std::uint32_t number) {
    return (number == 0 ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY;
}

/// The user's own choice, not the guest's: it may lie anywhere.
Result<UniqueFd> open_host_file(std::uint32_t number, const std::string& path) {
    constexpr mode_t kOutputMode = 0666;  // less the umask
    // Appending: output and error may be the same file.
    const int as_new = number == 0 ? 0 : O_CREAT | O_TRUNC | O_APPEND;
    UniqueFd file(::open(path.c_str(), how_to_open(number) | as_new | O_CLOEXEC, kOutputMode));
    if (file.valid()) return file;
    return fail_errno(errno, "cannot open {} for {}", path, number == 0 ? "reading" : "writing");
}

}  // namespace

Result<std::unique_ptr<Stream>> Stream::open(std::uint32_t number, const Host& host) {
    EXPECTS(number < kStreamCount, "there are three standard streams");
    std::unique_ptr<Stream> stream(new Stream({.number = number}));
    TRY(stream->connect(host));
    return stream;
}

Result<std::unique_ptr<Descriptor>> Stream::open_at(std::uint32_t number, const std::string& path,
                                                    const Host& host) {
    EXPECTS(number < kStreamCount, "there are three standard streams");
    EXPECTS(path.starts_with('/'), "a file is found again from any working directory");
    UniqueFd file = TRY(open_host_file(number, path));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return fail_errno(errno, "cannot stat {}", path);
    if (S_ISREG(status.st_mode)) {
        const bool is_input = number == 0;
        Place place = Place::of_file(path, /*is_read_only=*/is_input);
        const OpenRequest request{
            .read = is_input, .write = !is_input, .flags = is_input ? DescriptorFlags{0} : kAppend};
        auto opened = File::opened(std::move(place), request, std::move(file), host.files);
        return std::move(*opened);
    }
    std::unique_ptr<Stream> stream(new Stream({.number = number, .path = path}));
    stream->own_ = std::move(file);
    stream->fd_ = stream->own_.get();
    stream->host_ = &host;
    return std::unique_ptr<Descriptor>(std::move(stream));
}

std::string Stream::description() const {
    constexpr std::array kNames = {"input", "output", "error"};
    if (state_.path.empty()) return fmt::format("standard {}", kNames[state_.number]);
    return fmt::format("standard {} {}", kNames[state_.number], state_.path);
}

Result<ByteVector> Stream::capture() {
    if (is_on_terminal()) state_.terminal = host_->terminal->state();
    const TypedPieces unread =
        is_detached() && state_.number == 0 ? host_->console->unread() : state_.unread;
    ByteWriter writer;
    writer.put(state_.number);
    writer.put(state_.flags);
    writer.put_sized(std::string_view(state_.path));
    writer.put(state_.terminal.mode);
    writer.put(state_.terminal.size.columns);
    writer.put(state_.terminal.size.rows);
    writer.put(static_cast<std::uint32_t>(unread.size()));
    for (const std::string& piece : unread)
        writer.put_sized(std::string_view(piece));
    return writer.take();
}

Result<std::unique_ptr<Service>> Stream::restore(Bytes state) {
    ByteReader reader(state, "the state of a stream lease");
    State restored;
    restored.number = TRY(reader.get<std::uint32_t>());
    restored.flags = TRY(reader.get<DescriptorFlags>());
    restored.path = TRY(reader.get_string());
    restored.terminal.mode = TRY(reader.get<TerminalMode>());
    restored.terminal.size.columns = TRY(reader.get<std::uint16_t>());
    restored.terminal.size.rows = TRY(reader.get<std::uint16_t>());
    restored.unread = TRY(get_unread(reader));
    TRY(reader.expect_end());
    const bool has_place = restored.path.starts_with('/') || restored.path.empty();
    if (!has_place || restored.path.find('\0') != std::string::npos)
        return fail(ErrorCode::corrupt, "a saved standard stream names an impossible place");
    if (restored.number >= kStreamCount || restored.flags > kDescriptorFlags)
        return fail(ErrorCode::corrupt, "a saved lease names standard stream {}", restored.number);
    const WindowSize size = restored.terminal.size;
    const bool is_input = restored.number == 0 && restored.path.empty();
    if (restored.terminal.mode > TerminalMode::raw || size.columns == 0 || size.rows == 0 ||
        (!is_input && !restored.unread.empty()))
        return fail(ErrorCode::corrupt, "a saved standard stream has an impossible terminal");
    return std::unique_ptr<Service>(new Stream(std::move(restored)));
}

void Stream::release() {
    // The host stays known: what is typed on its console meanwhile is captured, too.
    own_ = UniqueFd();
    log_.reset();
    fd_ = -1;
}

Result<void> Stream::reacquire(const Host& host) {
    if (!state_.path.empty()) {
        // The guest may have changed what lies there, if it may write above.
        const auto place = Place::of_file(state_.path, state_.number == 0);
        own_ = TRY(open_place(place, how_to_open(state_.number)));
    }
    return connect(host);
}

Result<void> Stream::connect(const Host& host) {
    host_ = &host;
    fd_ = own_.valid() ? own_.get() : host.streams[state_.number];
    if (is_on_terminal()) host.terminal->begin(state_.terminal);
    if (!is_detached()) return {};
    if (state_.number == 0) {
        host.console->begin_input(std::exchange(state_.unread, {}));
        return {};
    }
    EXPECTS(host.files != nullptr, "only a process that is kept is detached");
    auto log =
        File::opened(FileHistory::log_place(), {.read = false, .write = true, .flags = kAppend},
                     TRY(host.files->open_log()), host.files);
    log_ = std::move(*log);
    return {};
}

bool Stream::is_detached() const {
    return host_ != nullptr && host_->console != nullptr && state_.path.empty();
}

bool Stream::is_on_terminal() const {
    if (host_ == nullptr || host_->terminal == nullptr || !state_.path.empty()) return false;
    return is_detached() || ::isatty(fd_) == 1;
}

Answer<Terminal*> Stream::terminal() const {
    if (!is_on_terminal()) return Errno::notty;
    return host_->terminal;
}

Result<void> Stream::probe(const Host&) const {
    if (state_.path.empty()) return {};
    // Merely to open a device, or a pipe, can do something.
    const auto place = Place::of_file(state_.path, state_.number == 0);
    const UniqueFd there = TRY(open_place(place, O_PATH));
    const std::string by_descriptor = fmt::format("/proc/self/fd/{}", there.get());
    if (::access(by_descriptor.c_str(), state_.number == 0 ? R_OK : W_OK) == 0) return {};
    return fail_errno(errno, "cannot open {} for {}", state_.path,
                      state_.number == 0 ? "reading" : "writing");
}

std::vector<Grant> Stream::sufficient_grants() const {
    if (state_.path.empty()) return {};
    return {{Grant::Kind::file, state_.path, state_.number == 0}};
}

void Stream::relocate(const Relocation& relocation) {
    if (state_.path.empty()) return;
    if (auto moved = relocation.moved(state_.path)) state_.path = *std::move(moved);
}

FileType Stream::type() const {
    if (is_detached() || ::isatty(fd_) == 1) return FileType::character_device;
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
    if (is_detached()) return FileStatus{.type = FileType::character_device, .link_count = 1};
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return errno_of_host(errno);
    return file_status_of(status);
}

Answer<std::size_t> Stream::read(std::span<const iovec> buffers, Waiting waiting) {
    for (;;) {
        if (!state_.unread.empty()) return take_typed(state_.unread, buffers);
        if (const Errno error = wait_until(POLLIN, waiting); error != Errno::success) return error;
        auto got = read_now(buffers);
        // Somebody who shares the stream was faster.
        if (got.ok() || got.error() != Errno::again || waiting == Waiting::forbidden) return got;
    }
}

Answer<std::size_t> Stream::read_now(std::span<const iovec> buffers) {
    if (is_detached()) return host_->console->read(buffers);
    for (;;) {
        const ssize_t got = ::readv(fd_, buffers.data(), static_cast<int>(buffers.size()));
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) return errno_of_host(errno);
    }
}

Answer<std::size_t> Stream::write(std::span<const iovec> buffers, Waiting waiting) {
    if (log_ != nullptr) return log_->write(buffers, waiting);
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
    if (log_ != nullptr) return log_->sync();
    if (::fsync(fd_) == 0 || errno == EINVAL || errno == EROFS) return Errno::success;
    return errno_of_host(errno);
}

int Stream::pollable_fd() const {
    if (!state_.unread.empty()) return -1;
    if (!is_detached()) return fd_;
    // A log never has to be waited for.
    return state_.number == 0 ? host_->console->readable_fd() : -1;
}

std::uint64_t Stream::readable_bytes() const {
    if (!state_.unread.empty()) return state_.unread.front().size();
    if (is_detached()) return host_->console->readable_bytes();
    int count = 0;
    if (::ioctl(fd_, FIONREAD, &count) != 0) return 0;
    return static_cast<std::uint64_t>(count);
}

Errno Stream::wait_until(short events, Waiting waiting) {
    const bool may_wait = waiting == Waiting::allowed && (state_.flags & kNonBlocking) == 0;
    return wait_for(pollable_fd(), events, may_wait, *host_);
}

}  // namespace sojourn::leases
