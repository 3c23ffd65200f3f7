#include "leases/file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <unistd.h>

namespace sojourn::leases {

namespace {

constexpr std::uint64_t kOffsetMax = std::numeric_limits<off_t>::max();

Answer<std::size_t> count_of_call(ssize_t result) {
    if (result < 0) return errno_of_host(errno);
    return static_cast<std::size_t>(result);
}

std::uint64_t bytes_of(std::span<const iovec> buffers) {
    std::uint64_t bytes = 0;
    for (const iovec& buffer : buffers)
        bytes += buffer.iov_len;
    return bytes;
}

// One buffer is the rule, and a list of one costs the kernel more.

ssize_t read_host(int file, std::span<const iovec> buffers, std::uint64_t offset) {
    const auto at = static_cast<off_t>(offset);
    if (buffers.size() == 1) return ::pread(file, buffers[0].iov_base, buffers[0].iov_len, at);
    return ::preadv(file, buffers.data(), static_cast<int>(buffers.size()), at);
}

ssize_t write_host(int file, std::span<const iovec> buffers, std::uint64_t offset) {
    const auto at = static_cast<off_t>(offset);
    if (buffers.size() == 1) return ::pwrite(file, buffers[0].iov_base, buffers[0].iov_len, at);
    return ::pwritev(file, buffers.data(), static_cast<int>(buffers.size()), at);
}

/// Offset and length as the host takes them; beyond its range nothing lies.
bool is_range(std::uint64_t offset, std::uint64_t length) {
    return offset <= kOffsetMax && length <= kOffsetMax - offset;
}

}  // namespace

int File::host_flags_of(DescriptorFlags flags) {
    int host = 0;
    if ((flags & kAppend) != 0) host |= O_APPEND;
    if ((flags & kDataSync) != 0) host |= O_DSYNC;
    if ((flags & (kSync | kReadSync)) != 0) host |= O_SYNC;
    return host;
}

Answer<std::unique_ptr<Descriptor>> File::opened(Place place, const OpenRequest& request,
                                                 UniqueFd file, FileHistory* history) {
    State state;
    state.place = std::move(place);
    state.reads = request.read;
    state.writes = request.write || request.truncate;
    state.flags = request.flags;
    std::unique_ptr<File> opened(new File(std::move(state), std::move(file)));
    opened->begin_tracking(history);
    return std::unique_ptr<Descriptor>(std::move(opened));
}

File::~File() {
    release();
}

void File::begin_tracking(FileHistory* history) {
    if (history == nullptr || state_.place.is_read_only) return;
    history_ = history;
    tracked_ = history->track(state_.place, file_.get());
}

template <typename Make>
Errno File::change(std::uint64_t offset, std::uint64_t length, Make make) {
    const Errno error = before_change(offset, length);
    if (error != Errno::success) return error;
    const Errno result = make();
    if (tracked_ != nullptr) history_->after_change(*tracked_, file_.get());
    return result;
}

Errno File::before_change(std::uint64_t offset, std::uint64_t length) {
    if (tracked_ == nullptr || !state_.place.rolls_back()) return Errno::success;
    return history_->before_change(*tracked_, file_.get(), offset, length);
}

void File::after_write(const Answer<std::size_t>& count, std::uint64_t end) {
    if (tracked_ == nullptr) return;
    if (count.ok()) return history_->after_write(*tracked_, end);
    history_->after_change(*tracked_, file_.get());
}

std::string File::description() const {
    return fmt::format("file {} ({})", state_.place.description(),
                       text_of_access(state_.reads, state_.writes, state_.flags));
}

Errno File::set_flags(DescriptorFlags flags) {
    constexpr DescriptorFlags kChangeable = kAppend | kNonBlocking;
    if (((flags ^ state_.flags) & ~kChangeable) != 0) return Errno::notsup;
    if (!set_host_appending((flags & kAppend) != 0)) return errno_of_host(errno);
    state_.flags = flags;
    return Errno::success;
}

Answer<FileStatus> File::status() const {
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0) return errno_of_host(errno);
    FileStatus shown = file_status_of(status);
    // The name by which the attic keeps it is nobody's business.
    if (tracked_ != nullptr && FileHistory::place_of(*tracked_).is_in_attic()) --shown.link_count;
    return shown;
}

Errno File::set_size(std::uint64_t size_bytes) {
    if (!state_.writes) return state_.place.is_read_only ? Errno::rofs : Errno::inval;
    if (size_bytes > kOffsetMax) return Errno::fbig;
    return change(size_bytes, kOffsetMax - size_bytes, [&] {
        return errno_of_call(::ftruncate(file_.get(), static_cast<off_t>(size_bytes)));
    });
}

Errno File::set_times(const Times& times) {
    if (state_.place.is_read_only) return Errno::rofs;
    return change(0, 0, [&] { return errno_of_call(::futimens(file_.get(), times.data())); });
}

Answer<std::size_t> File::read(std::span<const iovec> buffers, Waiting) {
    auto count = read_at(buffers, state_.offset);
    if (count.ok()) state_.offset += *count;
    return count;
}

Answer<std::size_t> File::write(std::span<const iovec> buffers, Waiting) {
    if ((state_.flags & kAppend) == 0) {
        auto count = write_at(buffers, state_.offset);
        if (count.ok()) state_.offset += *count;
        return count;
    }
    if (!state_.writes) return Errno::badf;
    if (const Errno error = before_change(0, 0); error != Errno::success) return error;
    auto count = append(buffers);
    after_write(count, state_.offset);
    return count;
}

Answer<std::uint64_t> File::seek(std::int64_t offset, Whence whence) {
    std::uint64_t base = whence == Whence::current ? state_.offset : 0;
    if (whence == Whence::end) base = TRY(status()).size_bytes;
    state_.offset = TRY(position_from(base, offset));
    return state_.offset;
}

Answer<std::size_t> File::read_at(std::span<const iovec> buffers, std::uint64_t offset) {
    if (!state_.reads) return Errno::badf;
    if (offset > kOffsetMax) return Errno::inval;
    return count_of_call(read_host(file_.get(), buffers, offset));
}

Answer<std::size_t> File::write_at(std::span<const iovec> buffers, std::uint64_t offset) {
    if (!state_.writes) return Errno::badf;
    if (offset > kOffsetMax) return Errno::inval;
    const Errno error = before_change(offset, bytes_of(buffers));
    if (error != Errno::success) return error;
    auto count = put(buffers, offset);
    after_write(count, count.ok() ? offset + *count : 0);
    return count;
}

Answer<std::size_t> File::append(std::span<const iovec> buffers) {
    auto count =
        count_of_call(::writev(file_.get(), buffers.data(), static_cast<int>(buffers.size())));
    if (!count.ok()) return count;
    const off_t end = ::lseek(file_.get(), 0, SEEK_CUR);
    if (end < 0) return errno_of_host(errno);
    state_.offset = static_cast<std::uint64_t>(end);
    return count;
}

Answer<std::size_t> File::put(std::span<const iovec> buffers, std::uint64_t offset) {
    // The host would append in spite of the offset.
    const bool appends = (state_.flags & kAppend) != 0;
    if (appends && !set_host_appending(false)) return errno_of_host(errno);
    auto count = count_of_call(write_host(file_.get(), buffers, offset));
    if (appends && !set_host_appending(true)) return errno_of_host(errno);
    return count;
}

bool File::set_host_appending(bool appends) {
    const int host = ::fcntl(file_.get(), F_GETFL);
    return host >= 0 &&
           ::fcntl(file_.get(), F_SETFL, appends ? host | O_APPEND : host & ~O_APPEND) == 0;
}

Errno File::advise(std::uint64_t offset, std::uint64_t length, int advice) {
    if (!is_range(offset, length)) return Errno::inval;
    const int error = ::posix_fadvise(file_.get(), static_cast<off_t>(offset),
                                      static_cast<off_t>(length), advice);
    return error == 0 ? Errno::success : errno_of_host(error);
}

Errno File::allocate(std::uint64_t offset, std::uint64_t length) {
    if (!state_.writes) return Errno::badf;
    if (!is_range(offset, length) || length == 0) return Errno::inval;
    return change(0, 0, [&] {
        return errno_of_call(
            ::fallocate(file_.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(length)));
    });
}

Errno File::sync() {
    return errno_of_call(::fsync(file_.get()));
}

Errno File::sync_data() {
    return errno_of_call(::fdatasync(file_.get()));
}

std::uint64_t File::readable_bytes() const {
    auto now = status();
    return now.ok() ? now->size_bytes - std::min(now->size_bytes, state_.offset) : 0;
}

}  // namespace sojourn::leases
