#include "leases/volume/internal/blocks.hpp"

#include <algorithm>
#include <bit>

namespace sojourn::leases::volume {

namespace {

constexpr std::uint32_t kGrowthBlocksMin = 256;
constexpr std::uint32_t kGrowthPart = 8;  // it grows by an eighth at a time

constexpr std::uint32_t number_of(BlockIndex block) {
    return static_cast<std::uint32_t>(block);
}

/// Where the bits of a group are: in its first block, but for the superblock's.
constexpr std::uint32_t bits_of(std::uint32_t group) {
    return group == 0 ? 1 : group * kGroupBlocks;
}

constexpr std::uint64_t offset_of(std::uint32_t block) {
    return std::uint64_t{block} * kBlockBytes;
}

std::uint64_t offset_of_bit(BlockIndex block) {
    const std::uint32_t number = number_of(block);
    return offset_of(bits_of(number / kGroupBlocks)) + number % kGroupBlocks / 8;
}

template <typename T>
Bytes bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

template <typename T>
MutableBytes bytes_of(T& value) {
    return std::as_writable_bytes(std::span(&value, 1));
}

/// What of the superblock must hold wherever it comes from.
bool is_sound(const Superblock& superblock, const Disk& disk) {
    const std::uint64_t blocks = disk.size_bytes() / kBlockBytes;
    const std::uint64_t blocks_max = disk.size_bytes_max() / kBlockBytes;
    return superblock.block_count <= blocks && superblock.block_count_max <= blocks_max &&
           superblock.block_count >= Blocks::kSmallestBlocks &&
           superblock.block_count <= superblock.block_count_max &&
           superblock.free_block_count < superblock.block_count &&
           superblock.inode_table.height <= kTreeHeightMax &&
           superblock.inode_count > static_cast<std::uint32_t>(kRootInode) &&
           superblock.inode_count <= superblock.block_count * (kBlockBytes / sizeof(Inode));
}

}  // namespace

Result<Blocks> Blocks::format(Disk& disk, std::string_view name) {
    EXPECTS(name.size() <= kVolumeNameBytesMax, "whoever names a volume checks the name");
    Blocks blocks(disk);
    Superblock& superblock = blocks.superblock_;
    superblock.magic = kMagic;
    superblock.format = kFormat;
    superblock.block_count_max = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(disk.size_bytes_max() / kBlockBytes, UINT32_MAX));
    superblock.inode_count = 1;
    std::ranges::copy(name, superblock.name.begin());
    EXPECTS(superblock.block_count_max >= kSmallestBlocks, "a volume has its smallest size");
    if (!blocks.grow().ok())
        return fail(ErrorCode::out_of_memory, "there is no room for volume '{}'", name);
    return blocks;
}

Result<Blocks> Blocks::mount(Disk& disk) {
    Blocks blocks(disk);
    const bool has_superblock = disk.size_bytes() >= offset_of(kSmallestBlocks);
    if (!has_superblock || !disk.read(0, bytes_of(blocks.superblock_)).ok() ||
        blocks.superblock_.magic != kMagic)
        return fail(ErrorCode::corrupt, "there is no volume where one is named");
    if (blocks.superblock_.format != kFormat) {
        return fail(ErrorCode::unsupported_format, "a volume has format {}, this build reads {}",
                    blocks.superblock_.format, kFormat);
    }
    if (!is_sound(blocks.superblock_, disk))
        return fail(ErrorCode::corrupt, "the superblock of a volume does not hold");
    return blocks;
}

Answer<void> Blocks::save(const Superblock& superblock) {
    TRY(disk_->write(0, bytes_of(superblock)));
    superblock_ = superblock;
    return {};
}

bool Blocks::is_content(BlockIndex block) const {
    const std::uint32_t number = number_of(block);
    return block != kNoBlock && number < superblock_.block_count &&
           number != bits_of(number / kGroupBlocks);
}

Answer<bool> Blocks::is_allocated(BlockIndex block) const {
    if (!is_content(block)) return Errno::io;
    std::uint8_t bits = 0;
    TRY(disk_->read(offset_of_bit(block), bytes_of(bits)));
    return (unsigned{bits} >> number_of(block) % 8 & 1U) != 0;
}

std::uint64_t Blocks::available_count() const {
    return superblock_.free_block_count +
           std::uint64_t{superblock_.block_count_max - superblock_.block_count};
}

Answer<BlockIndex> Blocks::allocate(BlockIndex goal) {
    if (superblock_.free_block_count == 0) TRY(grow());
    const BlockIndex block = TRY(find_free(goal == kNoBlock ? superblock_.next_block : goal));
    TRY(set_allocated(block, true));
    Superblock changed = superblock_;
    --changed.free_block_count;
    changed.next_block = BlockIndex{number_of(block) + 1};
    TRY(save(changed));
    return block;
}

Answer<void> Blocks::release(BlockIndex block) {
    const bool was_allocated = TRY(is_allocated(block));
    if (!was_allocated || superblock_.free_block_count + 1 >= superblock_.block_count)
        return Errno::io;
    TRY(clear(block, 0, kBlockBytes));
    TRY(set_allocated(block, false));
    Superblock changed = superblock_;
    ++changed.free_block_count;
    changed.next_block = std::min(changed.next_block, block);
    return save(changed);
}

/// Longer by a part of what there is, at least by what holds one more block of content.
Answer<void> Blocks::grow() {
    const std::uint32_t from = superblock_.block_count;
    const std::uint32_t left = superblock_.block_count_max - from;
    const std::uint32_t count = std::min(std::max(from / kGrowthPart, kGrowthBlocksMin), left);
    if (count < 2) return Errno::nospc;
    TRY(disk_->grow(offset_of(from + count)));
    Superblock changed = superblock_;
    changed.block_count += count;
    changed.free_block_count += count;
    // From here on the blocks are there, as far as set_allocated() goes.
    std::swap(superblock_, changed);
    std::uint32_t reserved = 0;
    const auto reserve = [&](std::uint32_t block) {
        ++reserved;
        return set_allocated(BlockIndex{block}, true);
    };
    if (from == 0) TRY(reserve(0));
    for (std::uint32_t group = from / kGroupBlocks; bits_of(group) < from + count; ++group) {
        if (bits_of(group) >= from) TRY(reserve(bits_of(group)));
    }
    Superblock grown = superblock_;
    grown.free_block_count -= reserved;
    return save(grown);
}

Answer<BlockIndex> Blocks::find_free(BlockIndex goal) const {
    const std::uint32_t groups = (superblock_.block_count + kGroupBlocks - 1) / kGroupBlocks;
    const std::uint32_t start = is_content(goal) ? number_of(goal) : 0;
    const std::uint32_t first_group = start / kGroupBlocks;
    // The group of the goal twice: what lies behind it, and at the end what lies before it.
    for (std::uint32_t step = 0; step <= groups; ++step) {
        const std::uint32_t group = (first_group + step) % groups;
        const BlockIndex found =
            TRY(find_free_in_group(group, step == 0 ? start % kGroupBlocks : 0));
        if (found != kNoBlock) return found;
    }
    return Errno::io;  // the superblock says that there is one
}

/// kNoBlock when none is free.
Answer<BlockIndex> Blocks::find_free_in_group(std::uint32_t group, std::uint32_t first) const {
    constexpr std::uint32_t kWordBits = 64;
    const std::uint32_t begin = group * kGroupBlocks;
    const std::uint32_t end = std::min(kGroupBlocks, superblock_.block_count - begin);
    std::array<std::uint64_t, kGroupBlocks / kWordBits> words;
    // As a rule the goal itself is free, and one word tells.
    std::uint32_t read_to = first / kWordBits;
    for (std::uint32_t word = first / kWordBits; word * kWordBits < end; ++word) {
        if (word == read_to) {
            read_to =
                word == first / kWordBits ? word + 1 : static_cast<std::uint32_t>(words.size());
            const auto part = std::span(words).subspan(word, read_to - word);
            TRY(disk_->read(offset_of(bits_of(group)) + word * sizeof(std::uint64_t),
                            std::as_writable_bytes(part)));
        }
        std::uint64_t free = ~words[word];
        if (word == first / kWordBits) free &= ~std::uint64_t{0} << first % kWordBits;
        if (free == 0) continue;
        const std::uint32_t found =
            word * kWordBits + static_cast<std::uint32_t>(std::countr_zero(free));
        const BlockIndex block{begin + found};
        if (found < end) return is_content(block) ? Answer<BlockIndex>(block) : Errno::io;
    }
    return kNoBlock;
}

Answer<void> Blocks::set_allocated(BlockIndex block, bool allocated) {
    std::uint8_t bits = 0;
    TRY(disk_->read(offset_of_bit(block), bytes_of(bits)));
    const unsigned bit = 1U << number_of(block) % 8;
    bits = static_cast<std::uint8_t>(allocated ? bits | bit : bits & ~bit);
    return disk_->write(offset_of_bit(block), bytes_of(bits));
}

Answer<void> Blocks::read(BlockIndex block, std::uint64_t offset, MutableBytes out) const {
    return disk_->read(offset_of(number_of(block)) + offset, out);
}

Answer<void> Blocks::write(BlockIndex block, std::uint64_t offset, Bytes bytes) {
    return disk_->write(offset_of(number_of(block)) + offset, bytes);
}

Answer<void> Blocks::clear(BlockIndex block, std::uint64_t offset, std::uint64_t length) {
    return disk_->clear(offset_of(number_of(block)) + offset, length);
}

}  // namespace sojourn::leases::volume
