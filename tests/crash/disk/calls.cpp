// The calls of libc with which the vm changes files, in front of the real ones (LD_PRELOAD).
#include <cerrno>
#include <cstdarg>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/disk/disk_watch.hpp"

using namespace sojourn::tests;
using namespace sojourn::tests::disk;

namespace {

template <typename Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

#define REAL(name) real<decltype(::name)>(#name)

int refuse(int error) {
    errno = error;
    return -1;
}

mode_t mode_from(int flags, va_list& arguments) {
    // Narrow types are promoted on their way through an ellipsis.
    const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return has_mode ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

int open_watched(int directory, const char* name, int flags, mode_t mode) {
    static auto* const real_openat = REAL(openat);
    const Path path(directory, name);
    const bool is_nameless = (flags & O_TMPFILE) == O_TMPFILE;
    const bool changes = path.is_watched() && !is_nameless && (flags & (O_CREAT | O_TRUNC)) != 0;
    if (!changes) {
        const int fd = real_openat(directory, name, flags, mode);
        note_open(fd, path, flags);
        return fd;
    }
    const Turn turn;
    struct stat status {};
    const bool is_new = ::lstat(path.text(), &status) != 0;
    if (is_new) {
        if (const int error = failure_of(Kind::write)) return refuse(error);
    }
    const int fd = real_openat(directory, name, flags, mode);
    note_open(fd, path, flags);
    if (fd < 0) return fd;
    if (is_new) {
        log_path(DiskCall::make_file, path);
    } else if ((flags & O_TRUNC) != 0) {
        log_file(DiskCall::resize, fd);
    }
    return fd;
}

/// Writes `parts` at `offset` by `write`, or fails as it was told to.
template <typename Write>
ssize_t write_watched(int fd, const iovec* parts, int part_count, off_t offset, Write write) {
    const Turn turn;
    if (const int error = failure_of(Kind::write)) return refuse(error);
    // A synchronous write that fails has reached the kernel's memory, where others see it.
    const int sync_error = is_synchronous(fd) ? failure_of(Kind::sync) : 0;
    const ssize_t written = write();
    if (written <= 0) return written;
    const bool is_durable = is_synchronous(fd) && sync_error == 0;
    log_write(fd, parts, part_count, offset, static_cast<size_t>(written), is_durable);
    return sync_error == 0 ? written : refuse(sync_error);
}

off_t position_of(int fd) {
    return (::fcntl(fd, F_GETFL) & O_APPEND) != 0 ? ::lseek(fd, 0, SEEK_END)
                                                  : ::lseek(fd, 0, SEEK_CUR);
}

int sync_watched(int fd, int (*real_sync)(int)) {
    const Turn turn;
    if (const int error = failure_of(Kind::sync)) return refuse(error);
    const int result = real_sync(fd);
    if (result != 0) return result;
    struct stat status {};
    ::fstat(fd, &status);
    if (S_ISDIR(status.st_mode)) {
        log_path(DiskCall::sync_directory, Path(fd));
    } else {
        log_file(DiskCall::sync_file, fd);
    }
    return result;
}

template <typename Remove>
int remove_watched(const Path& path, Remove remove) {
    if (!path.is_watched()) return remove();
    const Turn turn;
    const int result = remove();
    if (result == 0) log_path(DiskCall::remove, path);
    return result;
}

}  // namespace

extern "C" {

int open(const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_from(flags, arguments);
    va_end(arguments);
    return open_watched(AT_FDCWD, name, flags, mode);
}

int open64(const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_from(flags, arguments);
    va_end(arguments);
    return open_watched(AT_FDCWD, name, flags, mode);
}

int openat(int directory, const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_from(flags, arguments);
    va_end(arguments);
    return open_watched(directory, name, flags, mode);
}

int openat64(int directory, const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_from(flags, arguments);
    va_end(arguments);
    return open_watched(directory, name, flags, mode);
}

int close(int fd) {
    static auto* const real_close = REAL(close);
    note_close(fd);
    return real_close(fd);
}

ssize_t write(int fd, const void* data, size_t size) {
    static auto* const real_write = REAL(write);
    if (fd == STDOUT_FILENO) {
        const Turn turn;
        const ssize_t written = real_write(fd, data, size);
        if (written > 0) log_said(data, static_cast<size_t>(written));
        return written;
    }
    if (!is_watched(fd)) return real_write(fd, data, size);
    const iovec part{const_cast<void*>(data), size};
    return write_watched(fd, &part, 1, position_of(fd), [&] { return real_write(fd, data, size); });
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
    static auto* const real_pwrite = REAL(pwrite);
    if (!is_watched(fd)) return real_pwrite(fd, data, size, offset);
    const iovec part{const_cast<void*>(data), size};
    return write_watched(fd, &part, 1, offset, [&] { return real_pwrite(fd, data, size, offset); });
}

ssize_t pwrite64(int fd, const void* data, size_t size, off_t offset) {
    return pwrite(fd, data, size, offset);
}

ssize_t writev(int fd, const iovec* parts, int count) {
    static auto* const real_writev = REAL(writev);
    if (!is_watched(fd) && fd != STDOUT_FILENO) return real_writev(fd, parts, count);
    if (fd == STDOUT_FILENO) {
        const Turn turn;
        for (int part = 0; part < count; ++part)
            log_said(parts[part].iov_base, parts[part].iov_len);
        return real_writev(fd, parts, count);
    }
    return write_watched(fd, parts, count, position_of(fd),
                         [&] { return real_writev(fd, parts, count); });
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
    static auto* const real_pwritev = REAL(pwritev);
    if (!is_watched(fd)) return real_pwritev(fd, parts, count, offset);
    return write_watched(fd, parts, count, offset,
                         [&] { return real_pwritev(fd, parts, count, offset); });
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off_t offset) {
    return pwritev(fd, parts, count, offset);
}

int ftruncate(int fd, off_t size) {
    static auto* const real_ftruncate = REAL(ftruncate);
    if (!is_watched(fd)) return real_ftruncate(fd, size);
    const Turn turn;
    if (const int error = failure_of(Kind::write)) return refuse(error);
    const int result = real_ftruncate(fd, size);
    if (result == 0) log_file(DiskCall::resize, fd, size);
    return result;
}

int ftruncate64(int fd, off_t size) {
    return ftruncate(fd, size);
}

int truncate(const char* name, off_t size) {
    const int fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    const int result = ftruncate(fd, size);
    const int error = errno;
    close(fd);
    errno = error;
    return result;
}

int truncate64(const char* name, off_t size) {
    return truncate(name, size);
}

int fsync(int fd) {
    static auto* const real_fsync = REAL(fsync);
    return is_watched(fd) ? sync_watched(fd, real_fsync) : real_fsync(fd);
}

int fdatasync(int fd) {
    static auto* const real_fdatasync = REAL(fdatasync);
    return is_watched(fd) ? sync_watched(fd, real_fdatasync) : real_fdatasync(fd);
}

int mkdir(const char* name, mode_t mode) {
    static auto* const real_mkdir = REAL(mkdir);
    const Path path(AT_FDCWD, name);
    if (!path.is_watched()) return real_mkdir(name, mode);
    const Turn turn;
    if (const int error = failure_of(Kind::write)) return refuse(error);
    const int result = real_mkdir(name, mode);
    if (result == 0) log_path(DiskCall::make_directory, path);
    return result;
}

int rename(const char* from, const char* to) {
    static auto* const real_rename = REAL(rename);
    const Path path(AT_FDCWD, from);
    const Path target(AT_FDCWD, to);
    if (!path.is_watched() || !target.is_watched()) return real_rename(from, to);
    const Turn turn;
    if (const int error = failure_of(Kind::write)) return refuse(error);
    const int result = real_rename(from, to);
    if (result == 0) log_path(DiskCall::rename, path, target.below_root());
    return result;
}

int unlink(const char* name) {
    static auto* const real_unlink = REAL(unlink);
    return remove_watched(Path(AT_FDCWD, name), [&] { return real_unlink(name); });
}

int rmdir(const char* name) {
    static auto* const real_rmdir = REAL(rmdir);
    return remove_watched(Path(AT_FDCWD, name), [&] { return real_rmdir(name); });
}

int unlinkat(int directory, const char* name, int flags) {
    static auto* const real_unlinkat = REAL(unlinkat);
    return remove_watched(Path(directory, name),
                          [&] { return real_unlinkat(directory, name, flags); });
}

}  // extern "C"
