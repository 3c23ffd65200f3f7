#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "leases/volume/inode_index.hpp"

/// What lies where on a volume's disk (docs/formats/volume.md).
namespace sojourn::leases::volume {

enum class BlockIndex : std::uint32_t {};

inline constexpr std::uint64_t kMagic = 0x454d554c4f564a53;  // "SJVOLUME"
inline constexpr std::uint32_t kFormat = 1;

inline constexpr std::uint64_t kBlockBytes = 4096;
/// A group is as many blocks as one block of bits can tell of.
inline constexpr std::uint32_t kGroupBlocks = 8 * kBlockBytes;
inline constexpr std::uint32_t kPointersInBlock = kBlockBytes / sizeof(BlockIndex);

/// Where a tree has nothing, and what no tree may name: the superblock.
inline constexpr BlockIndex kNoBlock{0};
inline constexpr InodeIndex kNoInode{0};

/// Blocks by their position in a file: `height` levels of pointers above them, of which the topmost
/// is at `root`; with none, `root` is the only block.
struct TreeRoot {
    BlockIndex root;
    std::uint32_t height;
};
inline constexpr std::uint32_t kTreeHeightMax = 3;
inline constexpr std::uint64_t kFileBytesMax =
    kBlockBytes * kPointersInBlock * kPointersInBlock * kPointersInBlock;

inline constexpr std::size_t kVolumeNameBytesMax = 64;

/// In block 0.
struct Superblock {
    std::uint64_t magic;
    std::uint32_t format;
    std::uint32_t block_count;      ///< that the disk has now
    std::uint32_t block_count_max;  ///< that it may have
    std::uint32_t free_block_count;
    BlockIndex next_block;      ///< where the search for a free one begins
    std::uint32_t inode_count;  ///< in the table, free ones and the unused first one too
    std::uint32_t free_inode_count;
    InodeIndex first_free_inode;
    TreeRoot inode_table;
    std::array<char, kVolumeNameBytesMax> name;  ///< filled up with zeros
};
static_assert(sizeof(Superblock) == 112);
static_assert(std::has_unique_object_representations_v<Superblock>);

enum class InodeType : std::uint32_t { free = 0, file = 1, directory = 2, link = 3 };

/// A row of the inode table.
struct Inode {
    InodeType type;
    std::uint32_t link_count;  ///< names; of a directory 1 until it is removed
    std::uint32_t open_count;  ///< leases of the guest
    InodeIndex next;           ///< of a directory, the one it lies in; of a free one, the next free
    std::uint64_t size_bytes;
    std::uint64_t used_bytes;   ///< of a directory, by its records
    std::uint64_t accessed_ns;  ///< these three: realtime, since 1970
    std::uint64_t modified_ns;
    std::uint64_t changed_ns;
    TreeRoot content;
};
static_assert(sizeof(Inode) == 64);
static_assert(std::has_unique_object_representations_v<Inode>);

/// In front of the records of a directory's block.
struct NameBlockHeader {
    std::uint16_t used_bytes;      ///< by records
    std::uint16_t has_overflowed;  ///< 1: what belongs here may be in the next block
};
static_assert(sizeof(NameBlockHeader) == 4);

/// In front of a name: its inode (4 bytes), an InodeType (1), the length of the name (1).
inline constexpr std::uint64_t kNameRecordBytes = 6;
inline constexpr std::uint64_t kNameBlockBytes = kBlockBytes - sizeof(NameBlockHeader);
inline constexpr std::uint64_t kNameBytesMax = 255;
inline constexpr std::uint64_t kDirectoryBlocksMax = 4096;
inline constexpr std::uint64_t kLinkBytesMax = 4095;

}  // namespace sojourn::leases::volume
