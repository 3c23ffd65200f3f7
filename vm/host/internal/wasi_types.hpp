#pragma once

#include <cstdint>

/// Layouts and constants of wasi_snapshot_preview1 that guests see.
namespace sojourn::vm {

namespace rights {
inline constexpr std::uint64_t kFdDatasync = 1U << 0U;
inline constexpr std::uint64_t kFdRead = 1U << 1U;
inline constexpr std::uint64_t kFdSeek = 1U << 2U;
inline constexpr std::uint64_t kFdSetFlags = 1U << 3U;
inline constexpr std::uint64_t kFdSync = 1U << 4U;
inline constexpr std::uint64_t kFdTell = 1U << 5U;
inline constexpr std::uint64_t kFdWrite = 1U << 6U;
inline constexpr std::uint64_t kFdAdvise = 1U << 7U;
inline constexpr std::uint64_t kFdAllocate = 1U << 8U;
inline constexpr std::uint64_t kPathCreateDirectory = 1U << 9U;
inline constexpr std::uint64_t kPathCreateFile = 1U << 10U;
inline constexpr std::uint64_t kPathLinkSource = 1U << 11U;
inline constexpr std::uint64_t kPathLinkTarget = 1U << 12U;
inline constexpr std::uint64_t kPathOpen = 1U << 13U;
inline constexpr std::uint64_t kFdReaddir = 1U << 14U;
inline constexpr std::uint64_t kPathReadlink = 1U << 15U;
inline constexpr std::uint64_t kPathRenameSource = 1U << 16U;
inline constexpr std::uint64_t kPathRenameTarget = 1U << 17U;
inline constexpr std::uint64_t kPathFilestatGet = 1U << 18U;
inline constexpr std::uint64_t kPathFilestatSetSize = 1U << 19U;
inline constexpr std::uint64_t kPathFilestatSetTimes = 1U << 20U;
inline constexpr std::uint64_t kFdFilestatGet = 1U << 21U;
inline constexpr std::uint64_t kFdFilestatSetSize = 1U << 22U;
inline constexpr std::uint64_t kFdFilestatSetTimes = 1U << 23U;
inline constexpr std::uint64_t kPathSymlink = 1U << 24U;
inline constexpr std::uint64_t kPathRemoveDirectory = 1U << 25U;
inline constexpr std::uint64_t kPathUnlinkFile = 1U << 26U;
inline constexpr std::uint64_t kPollFdReadwrite = 1U << 27U;
inline constexpr std::uint64_t kSockShutdown = 1U << 28U;
inline constexpr std::uint64_t kSockAccept = 1U << 29U;

inline constexpr std::uint64_t kNone = 0;
inline constexpr std::uint64_t kDirectory =
    kPathCreateDirectory | kPathCreateFile | kPathLinkSource | kPathLinkTarget | kPathOpen |
    kFdReaddir | kPathReadlink | kPathRenameSource | kPathRenameTarget | kPathFilestatGet |
    kPathFilestatSetSize | kPathFilestatSetTimes | kFdFilestatGet | kFdFilestatSetTimes |
    kPathSymlink | kPathRemoveDirectory | kPathUnlinkFile | kFdSync | kFdDatasync | kFdSetFlags;
inline constexpr std::uint64_t kFile =
    kFdDatasync | kFdRead | kFdSeek | kFdSetFlags | kFdSync | kFdTell | kFdWrite | kFdAdvise |
    kFdAllocate | kFdFilestatGet | kFdFilestatSetSize | kFdFilestatSetTimes | kPollFdReadwrite;
// Waiting for a connection is waiting to read.
inline constexpr std::uint64_t kListener =
    kSockAccept | kFdRead | kFdSetFlags | kFdFilestatGet | kPollFdReadwrite;
inline constexpr std::uint64_t kConnection =
    kFdRead | kFdWrite | kFdSetFlags | kFdFilestatGet | kPollFdReadwrite | kSockShutdown;
inline constexpr std::uint64_t kAll = kDirectory | kFile | kListener | kConnection;
// Without seek and tell: that is how wasi-libc knows a terminal from a device.
inline constexpr std::uint64_t kInput = kFdRead | kFdSetFlags | kFdFilestatGet | kPollFdReadwrite;
inline constexpr std::uint64_t kOutput =
    kFdWrite | kFdSetFlags | kFdFilestatGet | kPollFdReadwrite | kFdSync | kFdDatasync;
// The same when they are regular files.
inline constexpr std::uint64_t kInputFile = kInput | kFdSeek | kFdTell | kFdAdvise;
inline constexpr std::uint64_t kOutputFile = kOutput | kFdSeek | kFdTell;
}  // namespace rights

inline constexpr std::uint32_t kLookupFollow = 1;
inline constexpr std::uint32_t kOpenCreate = 1;
inline constexpr std::uint32_t kOpenDirectory = 2;
inline constexpr std::uint32_t kOpenExclusive = 4;
inline constexpr std::uint32_t kOpenTruncate = 8;
inline constexpr std::uint32_t kOpenAll = 15;
inline constexpr std::uint32_t kTimesAccess = 1;
inline constexpr std::uint32_t kTimesAccessNow = 2;
inline constexpr std::uint32_t kTimesModify = 4;
inline constexpr std::uint32_t kTimesModifyNow = 8;

inline constexpr std::uint32_t kReceivePeek = 1;
inline constexpr std::uint32_t kReceiveWaitAll = 2;
inline constexpr std::uint32_t kShutdownRead = 1;
inline constexpr std::uint32_t kShutdownWrite = 2;

enum class ClockId : std::uint32_t { realtime = 0, monotonic = 1, process_cpu = 2, thread_cpu = 3 };

struct GuestDescriptorStatus {
    std::uint8_t type;
    std::uint8_t reserved_0 = 0;
    std::uint16_t flags;
    std::uint32_t reserved_1 = 0;
    std::uint64_t rights;
    std::uint64_t rights_inheriting;
};
static_assert(sizeof(GuestDescriptorStatus) == 24);

struct GuestFileStatus {
    std::uint64_t device;
    std::uint64_t inode;
    std::uint64_t type;  ///< one byte, and seven of padding
    std::uint64_t link_count;
    std::uint64_t size_bytes;
    std::uint64_t accessed_ns;
    std::uint64_t modified_ns;
    std::uint64_t changed_ns;
};
static_assert(sizeof(GuestFileStatus) == 64);

struct GuestPrestat {
    std::uint32_t tag = 0;  ///< a directory
    std::uint32_t name_length;
};

/// In a 64-bit memory: one of the few layouts with a size in them.
struct GuestPrestat64 {
    std::uint64_t tag = 0;
    std::uint64_t name_length;
};

struct GuestDirectoryEntry {
    std::uint64_t next_cookie;
    std::uint64_t inode;
    std::uint32_t name_length;
    std::uint32_t type;  ///< one byte, and three of padding
};
static_assert(sizeof(GuestDirectoryEntry) == 24);

enum class EventType : std::uint8_t { clock = 0, fd_read = 1, fd_write = 2 };

struct GuestSubscription {
    std::uint64_t user_data;
    std::uint8_t type;
    std::uint8_t reserved[7];
    std::uint32_t clock_or_fd;
    std::uint32_t reserved_1;
    std::uint64_t timeout_ns;
    std::uint64_t precision_ns;
    std::uint16_t clock_flags;
    std::uint16_t reserved_2[3];
};
static_assert(sizeof(GuestSubscription) == 48);
inline constexpr std::uint16_t kClockAbsolute = 1;

struct GuestEvent {
    std::uint64_t user_data;
    std::uint16_t error;
    std::uint8_t type;
    std::uint8_t reserved_0[5] = {};
    std::uint64_t byte_count = 0;
    std::uint16_t flags = 0;
    std::uint16_t reserved_1[3] = {};
};
static_assert(sizeof(GuestEvent) == 32);
inline constexpr std::uint16_t kEventHangup = 1;

}  // namespace sojourn::vm
