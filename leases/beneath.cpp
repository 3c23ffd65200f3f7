#include "leases/internal/beneath.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sojourn::leases {

namespace {

constexpr int kAttemptsMax = 16;  // renames elsewhere make RESOLVE_BENEATH answer EAGAIN

Errno check_name(std::string_view path) {
    if (path.empty()) return Errno::noent;
    if (path.find('\0') != std::string_view::npos) return Errno::inval;
    if (path.front() == '/') return Errno::perm;
    return Errno::success;
}

/// By trying: a filter of system calls may forbid it, with whatever errno, where the kernel has it.
bool has_openat2() {
    static const bool works = [] {
        const UniqueFd top(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        return open_beneath_by_kernel(top.get(), ".", {.flags = O_PATH}).ok();
    }();
    return works;
}

}  // namespace

Answer<UniqueFd> open_beneath(int root, std::string_view path, OpenHow how) {
    if (has_openat2()) {
        auto opened = open_beneath_by_kernel(root, std::string(path), how);
        if (opened.ok() || opened.error() != Errno::again) return opened;
    }
    return open_beneath_by_walking(root, path, how);
}

Answer<UniqueFd> open_beneath_by_kernel(int root, const std::string& path, OpenHow how) {
    if (const Errno error = check_name(path); error != Errno::success) return error;
    open_how request{};
    request.flags = static_cast<unsigned>(how.flags | O_CLOEXEC);
    request.mode = how.mode;
    request.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        const long fd = ::syscall(SYS_openat2, root, path.c_str(), &request, sizeof(request));
        if (fd >= 0) return UniqueFd(static_cast<int>(fd));
        if (errno == EINTR || errno == EAGAIN) continue;
        return errno == EXDEV ? Errno::perm : errno_of_host(errno);
    }
    return Errno::again;
}

Answer<ParentAndName> open_parent_beneath(int root, std::string_view path) {
    if (const Errno error = check_name(path); error != Errno::success) return error;
    ParentAndName result;
    while (path.ends_with('/')) {
        path.remove_suffix(1);
        result.names_directory = true;
    }
    const auto slash = path.rfind('/');
    const auto directory = slash == std::string_view::npos ? "." : path.substr(0, slash);
    result.name = path.substr(slash == std::string_view::npos ? 0 : slash + 1);
    auto parent = open_beneath(root, directory, {.flags = O_PATH | O_DIRECTORY});
    if (!parent.ok()) return parent.error();
    if (result.name == "." || result.name == "..") return Errno::inval;
    result.parent = std::move(*parent);
    return result;
}

}  // namespace sojourn::leases
