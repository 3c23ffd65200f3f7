#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include "tests/crash/disk/disk_log.hpp"

/// What the library does around the calls that it stands in front of. Nothing here allocates: a
/// call may come out of the vm's fault handler.
namespace sojourn::tests::disk {

/// One call at a time in all host processes that share a log, so that its order is theirs. Does
/// nothing where nothing is logged.
class Turn {
public:
    Turn();
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
};

/// An absolute path, and where the part below the root begins.
class Path {
public:
    /// `name` as in openat(2).
    Path(int directory, const char* name);
    /// The one that was opened as `fd`.
    explicit Path(int fd);

    [[nodiscard]] bool is_watched() const { return below_ != nullptr; }
    [[nodiscard]] const char* text() const { return text_; }
    [[nodiscard]] const char* below_root() const { return below_; }

private:
    void find_root();

    char text_[4096];
    const char* below_ = nullptr;
};

/// Remembers `fd`, which was opened with `flags`, if its path is watched.
void note_open(int fd, const Path& path, int flags);
void note_close(int fd);
bool is_watched(int fd);
bool is_synchronous(int fd);  ///< opened with O_SYNC or O_DSYNC

enum class Kind { write, sync };
/// The errno with which this call has to fail, or 0. Counts the calls of its kind.
int failure_of(Kind kind);

void log_path(DiskCall call, const Path& path, const char* target = "");
void log_file(DiskCall call, int fd, off_t offset = 0);
/// `size` bytes out of `parts`, which were written at `offset`.
void log_write(int fd, const iovec* parts, int part_count, off_t offset, size_t size,
               bool is_durable);
void log_said(const void* data, size_t size);

}  // namespace sojourn::tests::disk
