#include "base/file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sojourn {

namespace {

/// For memory that is about to be filled: most of the time that this takes would go into its pages.
void ask_for_huge_pages(void* begin, std::size_t length) {
    constexpr std::uintptr_t kPage = 4096;
    constexpr std::size_t kWorthIt = std::size_t{4} << 20U;
    if (length < kWorthIt) return;
    const std::uintptr_t first =
        (reinterpret_cast<std::uintptr_t>(begin) + kPage - 1) & ~(kPage - 1);
    const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(begin) + length) & ~(kPage - 1);
    ::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);  // as good without
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

UniqueFd::~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
}

Result<ByteVector> read_file(const std::filesystem::path& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot open {}", path.native());
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        return fail_errno(errno, "cannot stat {}", path.native());
    // One byte more than announced tells a file that grew, or a pipe, from a finished one.
    ByteVector bytes;
    bytes.reserve(static_cast<std::size_t>(status.st_size) + 1);
    ask_for_huge_pages(bytes.data(), bytes.capacity());
    bytes.resize(bytes.capacity());
    std::size_t filled = 0;
    for (;;) {
        if (filled == bytes.size()) bytes.resize(bytes.size() + bytes.size() / 2 + 4096);
        const ssize_t got = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(errno, "cannot read {}", path.native());
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    bytes.resize(filled);
    return bytes;
}

Result<void> write_all(int fd, Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(errno, "cannot write");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> write_file(const std::filesystem::path& path, Bytes bytes) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!file.valid()) return fail_errno(errno, "cannot write {}", path.native());
    const auto written = write_all(file.get(), bytes);
    if (written.ok()) return written;
    return fail(written.error().code, "{}: {}", path.native(), written.error().message);
}

}  // namespace sojourn
