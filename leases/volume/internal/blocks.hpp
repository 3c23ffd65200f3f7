#pragma once

#include "leases/volume/disk.hpp"
#include "leases/volume/internal/layout.hpp"

namespace sojourn::leases::volume {

/// The blocks of a disk: which are free, and access to those that are not. Keeps the superblock,
/// and writes each change of it through. Borrows the disk.
///
/// Nothing on the disk is trusted: what can't be is io.
class Blocks {
public:
    /// An empty volume, without an inode. Requires: an empty disk of kSmallestBlocks at least.
    static Result<Blocks> format(Disk& disk, std::string_view name);
    /// Errors: corrupt, unsupported_format.
    static Result<Blocks> mount(Disk& disk);

    static constexpr std::uint32_t kSmallestBlocks = 16;

    [[nodiscard]] const Superblock& superblock() const { return superblock_; }
    /// Requires: what Blocks keeps itself (counts and positions of blocks) is left alone.
    Answer<void> save(const Superblock& superblock);

    /// Whether a pointer can name this block.
    [[nodiscard]] bool is_content(BlockIndex block) const;
    Answer<bool> is_allocated(BlockIndex block) const;
    /// How many could be allocated, if the disk grew as far as it can.
    [[nodiscard]] std::uint64_t available_count() const;

    /// A block of zeros, `goal` if that is free. Errors: nospc.
    Answer<BlockIndex> allocate(BlockIndex goal);
    /// Makes zeros of it. Errors: io when it is free already.
    Answer<void> release(BlockIndex block);

    /// Requires: is_content(), for the first and the last block that the range touches; the range
    /// lies in neighbouring blocks.
    Answer<void> read(BlockIndex block, std::uint64_t offset, MutableBytes out) const;
    Answer<void> write(BlockIndex block, std::uint64_t offset, Bytes bytes);
    Answer<void> clear(BlockIndex block, std::uint64_t offset, std::uint64_t length);

private:
    explicit Blocks(Disk& disk) : disk_(&disk) {}
    Answer<void> grow();
    Answer<BlockIndex> find_free(BlockIndex goal) const;
    Answer<BlockIndex> find_free_in_group(std::uint32_t group, std::uint32_t first) const;
    Answer<void> set_allocated(BlockIndex block, bool allocated);

    Disk* disk_;
    Superblock superblock_{};
};

}  // namespace sojourn::leases::volume
