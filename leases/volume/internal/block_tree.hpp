#pragma once

#include "leases/volume/internal/blocks.hpp"

namespace sojourn::leases::volume {

/// The blocks of one file by their position in it, as a radix tree that is as high as the file
/// needs it; where a pointer is missing lie zeros. Borrows the blocks, and the root, which is the
/// caller's to save after a change, failed ones too.
///
/// Requires: the height is at most kTreeHeightMax. Positions lie below kFileBytesMax.
class BlockTree {
public:
    BlockTree(Blocks& blocks, TreeRoot& root) : blocks_(blocks), root_(root) {}

    /// Fills `out` from `offset` on.
    Answer<void> read(std::uint64_t offset, MutableBytes out) const;
    /// How much was written: all of it, or what came before an error, of which nospc is one.
    Answer<std::size_t> write(std::uint64_t offset, Bytes bytes);
    /// As write(), or nothing when it can't be written whole.
    Answer<void> write_whole(std::uint64_t offset, Bytes bytes);
    /// Makes zeros of a range within one block.
    Answer<void> clear(std::uint64_t offset, std::uint64_t length);

    /// Blocks for all of a range. Errors: nospc; then there may be some.
    Answer<void> reserve(std::uint64_t offset, std::uint64_t length);
    /// Gives back all blocks but the first `count`.
    Answer<void> cut(std::uint64_t count);

    /// Neighbouring blocks, or neighbouring holes.
    struct Run {
        BlockIndex first = kNoBlock;  ///< kNoBlock: a hole
        std::uint64_t count = 0;
    };
    /// What begins at a position, `count_max` blocks at most.
    Answer<Run> find(std::uint64_t position, std::uint64_t count_max) const;

private:
    Answer<std::size_t> write_run(std::uint64_t offset, Bytes bytes);
    Answer<BlockIndex> obtain(std::uint64_t position);
    Answer<BlockIndex> allocate_at(BlockIndex node, std::uint32_t slot);
    Answer<void> raise();
    Answer<bool> release_from(BlockIndex block, std::uint32_t level, std::uint64_t first);
    Answer<BlockIndex> pointer(BlockIndex node, std::uint32_t slot) const;
    Answer<void> set_pointer(BlockIndex node, std::uint32_t slot, BlockIndex block);

    Blocks& blocks_;
    TreeRoot& root_;
};

}  // namespace sojourn::leases::volume
