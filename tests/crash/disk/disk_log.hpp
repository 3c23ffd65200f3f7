#pragma once

#include <cstdint>

/// The log that the disk library writes and CrashDisk reads: every call that changed something
/// below a folder, in the order in which the calls returned. A record is a DiskRecord, then `path`,
/// `target` and `data` without padding. Both ends are of one build, so the format has no version.
namespace sojourn::tests {

/// What the library is told through the environment of the vm.
inline constexpr const char* kDiskRoot = "SOJOURN_DISK_ROOT";  ///< what lies below it is watched
inline constexpr const char* kDiskLog = "SOJOURN_DISK_LOG";    ///< the log's file, appended to
inline constexpr const char* kDiskFail = "SOJOURN_DISK_FAIL";  ///< KIND:FIRST:COUNT:ERRNO

enum class DiskCall : std::uint32_t {
    make_file,       ///< `path`, `node`
    make_directory,  ///< `path`, `node`
    remove,          ///< `path`
    rename,          ///< `path` becomes `target`
    write,           ///< `node`, `offset`, `data`; durable with `is_durable`
    resize,          ///< `node` has `offset` bytes from now on
    sync_file,       ///< `node`
    sync_directory,  ///< `path`
    say,             ///< `data` was written to stdout
};

struct DiskRecord {
    DiskCall call = DiskCall::say;
    std::uint32_t is_durable = 0;
    std::uint64_t node = 0;  ///< the file's inode number
    std::uint64_t offset = 0;
    std::uint32_t path_bytes = 0;  ///< relative to the root
    std::uint32_t target_bytes = 0;
    std::uint64_t data_bytes = 0;
};
static_assert(sizeof(DiskRecord) == 40);

}  // namespace sojourn::tests
