#include "tests/crash/disk/disk_watch.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace sojourn::tests::disk {

namespace {

constexpr int kDescriptorsMax = 4096;
constexpr int kPartsMax = IOV_MAX - 3;

enum : unsigned char { kUnwatched = 0, kWatched = 1, kSynchronous = 2 };

std::array<std::atomic<unsigned char>, kDescriptorsMax> descriptors;
pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

struct Settings {
    const char* root = std::getenv(kDiskRoot);
    int log = -1;
    char fail_kind[8] = "";
    int fail_first = 0;
    int fail_count = 0;
    int fail_errno = 0;
    std::array<std::atomic<int>, 2> calls{};

    Settings() {
        // Not through the functions that stand in front of libc's: they need these settings.
        if (const char* file = std::getenv(kDiskLog)) {
            constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
            const auto opened =
                static_cast<int>(::syscall(SYS_openat, AT_FDCWD, file, kFlags, 0600));
            log = ::fcntl(opened, F_DUPFD_CLOEXEC, 900);  // out of the way of what the vm opens
            ::syscall(SYS_close, opened);
        }
        if (const char* fail = std::getenv(kDiskFail)) {
            std::sscanf(fail, "%7[a-z]:%d:%d:%d", fail_kind, &fail_first, &fail_count, &fail_errno);
        }
    }
};

Settings& settings() {
    static Settings instance;
    return instance;
}

void append(const DiskRecord& record, const char* path, const char* target, const iovec* parts,
            int part_count) {
    std::array<iovec, IOV_MAX> all;
    int count = 0;
    // writev(2) does not write through its pointers to non-const.
    const auto add = [&](const void* data, size_t size) {
        if (size > 0) all[static_cast<size_t>(count++)] = {const_cast<void*>(data), size};
    };
    add(&record, sizeof record);
    add(path, record.path_bytes);
    add(target, record.target_bytes);
    size_t left = record.data_bytes;
    for (int part = 0; part < part_count && left > 0; ++part) {
        const size_t size = parts[part].iov_len < left ? parts[part].iov_len : left;
        add(parts[part].iov_base, size);
        left -= size;
    }
    const int kept_errno = errno;
    if (::syscall(SYS_writev, settings().log, all.data(), count) < 0) std::abort();
    errno = kept_errno;
}

ino_t inode_of(const char* path) {
    struct stat status {};
    return ::lstat(path, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

Turn::Turn() {
    if (settings().log < 0) return;
    ::pthread_mutex_lock(&turn);
    ::flock(settings().log, LOCK_EX);
}

Turn::~Turn() {
    if (settings().log < 0) return;
    const int kept_errno = errno;
    ::flock(settings().log, LOCK_UN);
    ::pthread_mutex_unlock(&turn);
    errno = kept_errno;
}

Path::Path(int directory, const char* name) {
    text_[0] = '\0';
    if (name[0] != '/' && directory != AT_FDCWD) {
        char link[32];
        std::snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        const ssize_t size = ::readlink(link, text_, sizeof text_ - 1);
        text_[size > 0 ? size : 0] = '\0';
        std::strncat(text_, "/", sizeof text_ - std::strlen(text_) - 1);
    }
    std::strncat(text_, name, sizeof text_ - std::strlen(text_) - 1);
    find_root();
}

Path::Path(int fd) : Path(fd, "") {
    text_[std::strlen(text_) - 1] = '\0';  // the slash in front of nothing
    find_root();
}

/// The runners' folder is not of those that have to survive: locks, sockets, scratch.
void Path::find_root() {
    below_ = nullptr;
    const char* root = settings().root;
    if (root == nullptr) return;
    const size_t size = std::strlen(root);
    if (std::strncmp(text_, root, size) != 0) return;
    if (text_[size] != '/' && text_[size] != '\0') return;
    if (std::strstr(text_ + size, "/run/") != nullptr) return;
    below_ = text_[size] == '/' ? text_ + size + 1 : text_ + size;
}

void note_open(int fd, const Path& path, int flags) {
    if (fd < 0 || fd >= kDescriptorsMax) return;
    unsigned char state = kUnwatched;
    const bool is_nameless = (flags & O_TMPFILE) == O_TMPFILE;
    if (path.is_watched() && !is_nameless) {
        // O_SYNC has the bit of O_DSYNC in it.
        state = static_cast<unsigned char>(kWatched | ((flags & O_DSYNC) ? kSynchronous : 0));
    }
    descriptors[static_cast<size_t>(fd)] = state;
}

void note_close(int fd) {
    if (fd >= 0 && fd < kDescriptorsMax) descriptors[static_cast<size_t>(fd)] = kUnwatched;
}

bool is_watched(int fd) {
    if (fd < 0 || fd >= kDescriptorsMax) return false;
    if (descriptors[static_cast<size_t>(fd)] == kUnwatched) return false;
    // libc closes some descriptors by itself, and what has the number then may be a socket.
    struct stat status {};
    return ::fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

bool is_synchronous(int fd) {
    return is_watched(fd) && (descriptors[static_cast<size_t>(fd)] & kSynchronous) != 0;
}

int failure_of(Kind kind) {
    Settings& told = settings();
    if (std::strcmp(told.fail_kind, kind == Kind::write ? "write" : "sync") != 0) return 0;
    const int call = ++told.calls[static_cast<size_t>(kind)];
    return call >= told.fail_first && call - told.fail_first < told.fail_count ? told.fail_errno
                                                                               : 0;
}

void log_path(DiskCall call, const Path& path, const char* target) {
    if (settings().log < 0) return;
    DiskRecord record;
    record.call = call;
    record.node = inode_of(path.text());
    record.path_bytes = static_cast<std::uint32_t>(std::strlen(path.below_root()));
    record.target_bytes = static_cast<std::uint32_t>(std::strlen(target));
    append(record, path.below_root(), target, nullptr, 0);
}

void log_file(DiskCall call, int fd, off_t offset) {
    if (settings().log < 0) return;
    struct stat status {};
    if (::fstat(fd, &status) != 0) std::abort();
    DiskRecord record;
    record.call = call;
    record.node = status.st_ino;
    record.offset = static_cast<std::uint64_t>(offset);
    append(record, "", "", nullptr, 0);
}

void log_write(int fd, const iovec* parts, int part_count, off_t offset, size_t size,
               bool is_durable) {
    if (settings().log < 0) return;
    if (part_count > kPartsMax) std::abort();
    struct stat status {};
    if (::fstat(fd, &status) != 0) std::abort();
    DiskRecord record;
    record.call = DiskCall::write;
    record.is_durable = is_durable ? 1 : 0;
    record.node = status.st_ino;
    record.offset = static_cast<std::uint64_t>(offset);
    record.data_bytes = size;
    append(record, "", "", parts, part_count);
}

void log_said(const void* data, size_t size) {
    if (settings().log < 0) return;
    DiskRecord record;
    record.data_bytes = size;
    const iovec part{const_cast<void*>(data), size};
    append(record, "", "", &part, 1);
}

}  // namespace sojourn::tests::disk
