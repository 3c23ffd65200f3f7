#include "leases/volume/internal/block_tree.hpp"

#include <algorithm>

namespace sojourn::leases::volume {

namespace {

constexpr std::uint32_t kRunBlocksMax = 16;  // as much as a guest's buffer is pinned at a time

/// How many blocks lie below a pointer with `level` levels of pointers under it.
constexpr std::uint64_t span_of(std::uint32_t level) {
    std::uint64_t span = 1;
    for (; level > 0; --level)
        span *= kPointersInBlock;
    return span;
}

constexpr std::uint32_t slot_of(std::uint64_t position, std::uint32_t level) {
    return static_cast<std::uint32_t>(position / span_of(level - 1) % kPointersInBlock);
}

constexpr BlockIndex after(BlockIndex block, std::uint64_t count) {
    return BlockIndex{static_cast<std::uint32_t>(static_cast<std::uint32_t>(block) + count)};
}

/// How many of the pointers name neighbours of the first, or nothing as it does.
std::uint64_t run_length(std::span<const BlockIndex> pointers) {
    std::uint64_t count = 1;
    const auto next = [&] {
        return pointers[0] == kNoBlock ? kNoBlock : after(pointers[0], count);
    };
    while (count < pointers.size() && pointers[count] == next())
        ++count;
    return count;
}

}  // namespace

Answer<BlockIndex> BlockTree::pointer(BlockIndex node, std::uint32_t slot) const {
    BlockIndex block{};
    TRY(blocks_.read(node, slot * sizeof(BlockIndex),
                     std::as_writable_bytes(std::span(&block, 1))));
    if (block != kNoBlock && !blocks_.is_content(block)) return Errno::io;
    return block;
}

Answer<void> BlockTree::set_pointer(BlockIndex node, std::uint32_t slot, BlockIndex block) {
    return blocks_.write(node, slot * sizeof(BlockIndex), std::as_bytes(std::span(&block, 1)));
}

Answer<BlockTree::Run> BlockTree::find(std::uint64_t position, std::uint64_t count_max) const {
    if (position >= span_of(root_.height)) return Run{kNoBlock, count_max};
    if (root_.root != kNoBlock && !blocks_.is_content(root_.root)) return Errno::io;
    BlockIndex block = root_.root;
    std::uint32_t level = root_.height;
    for (; level > 1 && block != kNoBlock; --level)
        block = TRY(pointer(block, slot_of(position, level)));
    if (block == kNoBlock) {
        const std::uint64_t span = span_of(level);
        return Run{kNoBlock, std::min(count_max, span - position % span)};
    }
    if (root_.height == 0) return Run{block, 1};

    std::array<BlockIndex, kRunBlocksMax> pointers{};
    const std::uint32_t slot = slot_of(position, 1);
    const auto count = std::min<std::uint64_t>({count_max, kRunBlocksMax, kPointersInBlock - slot});
    TRY(blocks_.read(block, slot * sizeof(BlockIndex),
                     std::as_writable_bytes(std::span(pointers).first(count))));
    const Run run{pointers[0], run_length(std::span(pointers).first(count))};
    if (run.first == kNoBlock) return run;
    for (std::uint64_t i = 0; i < run.count; ++i) {
        if (!blocks_.is_content(after(run.first, i))) return Errno::io;
    }
    return run;
}

Answer<void> BlockTree::read(std::uint64_t offset, MutableBytes out) const {
    while (!out.empty()) {
        const std::uint64_t within = offset % kBlockBytes;
        const std::uint64_t blocks = (within + out.size() + kBlockBytes - 1) / kBlockBytes;
        const Run run = TRY(find(offset / kBlockBytes, blocks));
        const auto length = std::min<std::uint64_t>(out.size(), run.count * kBlockBytes - within);
        if (run.first == kNoBlock) {
            std::ranges::fill(out.first(length), std::byte{0});
        } else {
            TRY(blocks_.read(run.first, within, out.first(length)));
        }
        out = out.subspan(length);
        offset += length;
    }
    return {};
}

Answer<std::size_t> BlockTree::write(std::uint64_t offset, Bytes bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        auto written = write_run(offset + done, bytes.subspan(done));
        if (!written.ok() && done == 0) return written;
        if (!written.ok()) break;
        done += *written;
    }
    return done;
}

/// As much as lies in neighbouring blocks, or in one that is new.
Answer<std::size_t> BlockTree::write_run(std::uint64_t offset, Bytes bytes) {
    const std::uint64_t within = offset % kBlockBytes;
    const std::uint64_t blocks = (within + bytes.size() + kBlockBytes - 1) / kBlockBytes;
    Run run = TRY(find(offset / kBlockBytes, blocks));
    if (run.first == kNoBlock) run = {TRY(obtain(offset / kBlockBytes)), 1};
    const auto length = std::min<std::uint64_t>(bytes.size(), run.count * kBlockBytes - within);
    TRY(blocks_.write(run.first, within, bytes.first(length)));
    return length;
}

Answer<void> BlockTree::write_whole(std::uint64_t offset, Bytes bytes) {
    TRY(reserve(offset, bytes.size()));
    const std::size_t written = TRY(write(offset, bytes));
    return written == bytes.size() ? Answer<void>() : Errno::io;
}

Answer<void> BlockTree::clear(std::uint64_t offset, std::uint64_t length) {
    const Run run = TRY(find(offset / kBlockBytes, 1));
    if (run.first == kNoBlock || length == 0) return {};
    return blocks_.clear(run.first, offset % kBlockBytes, length);
}

Answer<void> BlockTree::reserve(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t end = (offset + length + kBlockBytes - 1) / kBlockBytes;
    for (std::uint64_t position = offset / kBlockBytes; position < end;) {
        const Run run = TRY(find(position, end - position));
        const bool is_hole = run.first == kNoBlock;
        if (is_hole) TRY(obtain(position));
        position += is_hole ? 1 : run.count;
    }
    return {};
}

/// The block at a position, new where there was none.
Answer<BlockIndex> BlockTree::obtain(std::uint64_t position) {
    EXPECTS(position < kFileBytesMax / kBlockBytes, "whoever writes knows the longest file");
    while (position >= span_of(root_.height))
        TRY(raise());
    if (root_.root == kNoBlock) root_.root = TRY(blocks_.allocate(kNoBlock));
    if (!blocks_.is_content(root_.root)) return Errno::io;
    BlockIndex block = root_.root;
    for (std::uint32_t level = root_.height; level > 0; --level) {
        const std::uint32_t slot = slot_of(position, level);
        BlockIndex below = TRY(pointer(block, slot));
        if (below == kNoBlock) below = TRY(allocate_at(block, slot));
        block = below;
    }
    return block;
}

/// Behind the block of the position before, so that what is written in order lies in order.
Answer<BlockIndex> BlockTree::allocate_at(BlockIndex node, std::uint32_t slot) {
    BlockIndex before = slot == 0 ? node : TRY(pointer(node, slot - 1));
    const BlockIndex goal = before == kNoBlock ? kNoBlock : after(before, 1);
    const BlockIndex block = TRY(blocks_.allocate(goal));
    TRY(set_pointer(node, slot, block));
    return block;
}

/// One level more: what there was becomes the first part of it.
Answer<void> BlockTree::raise() {
    if (root_.root != kNoBlock) {
        const BlockIndex above = TRY(blocks_.allocate(kNoBlock));
        TRY(set_pointer(above, 0, root_.root));
        root_.root = above;
    }
    ++root_.height;
    return {};
}

Answer<void> BlockTree::cut(std::uint64_t count) {
    if (count >= span_of(root_.height)) return {};
    if (root_.root != kNoBlock) {
        const bool is_gone = TRY(release_from(root_.root, root_.height, count));
        if (is_gone) root_.root = kNoBlock;
    }
    if (root_.root == kNoBlock) root_.height = 0;
    return {};
}

/// Gives back what lies at `first` and behind it, counted from where `block` begins; also the block
/// itself when nothing is left below it, which is the answer.
Answer<bool> BlockTree::release_from(BlockIndex block, std::uint32_t level, std::uint64_t first) {
    // What is free already was given back before: so a tree that leads back into itself ends.
    const bool is_there = TRY(blocks_.is_allocated(block));
    if (!is_there) return Errno::io;
    if (level > 0) {
        const std::uint64_t span = span_of(level - 1);
        for (auto slot = static_cast<std::uint32_t>(first / span); slot < kPointersInBlock;
             ++slot) {
            const BlockIndex below = TRY(pointer(block, slot));
            if (below == kNoBlock) continue;
            const std::uint64_t begin = slot * span;
            const bool is_gone =
                TRY(release_from(below, level - 1, first > begin ? first - begin : 0));
            if (is_gone && first > 0) TRY(set_pointer(block, slot, kNoBlock));
        }
    }
    if (first > 0) return false;
    TRY(blocks_.release(block));
    return true;
}

}  // namespace sojourn::leases::volume
