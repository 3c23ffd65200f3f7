#pragma once

#include <cstdint>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

/// What the kernel offers and the headers of Debian 12 do not know yet (Linux 6.7, 6.8).
namespace sojourn::heap::abi {

inline constexpr std::uint64_t kFeatureWpUnpopulated = std::uint64_t{1} << 13U;
inline constexpr std::uint64_t kFeatureWpAsync = std::uint64_t{1} << 15U;

/// One run of pages with the same categories, as addresses.
struct PageRegion {
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t categories;
};

struct PagemapScan {
    std::uint64_t size;
    std::uint64_t flags;
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t walk_end;  ///< out: where the walk stopped
    std::uint64_t vec;
    std::uint64_t vec_len;
    std::uint64_t max_pages;
    std::uint64_t category_inverted;
    std::uint64_t category_mask;
    std::uint64_t category_anyof_mask;
    std::uint64_t return_mask;
};

inline constexpr auto kPagemapScan = _IOWR('f', 16, PagemapScan);
inline constexpr std::uint64_t kScanWriteProtect = 1;  ///< PM_SCAN_WP_MATCHING
inline constexpr std::uint64_t kScanCheckAsync = 2;    ///< PM_SCAN_CHECK_WPASYNC
inline constexpr std::uint64_t kPageIsWritten = 2;     ///< PAGE_IS_WRITTEN
inline constexpr std::uint64_t kPageIsPresent = 8;     ///< PAGE_IS_PRESENT
inline constexpr std::uint64_t kPageIsSwapped = 16;    ///< PAGE_IS_SWAPPED

struct Move {
    std::uint64_t to;
    std::uint64_t from;
    std::uint64_t length;
    std::uint64_t mode;
    std::int64_t moved;  ///< out: bytes, or an error
};

inline constexpr auto kMove = _IOWR(UFFDIO, 0x05, Move);

}  // namespace sojourn::heap::abi
