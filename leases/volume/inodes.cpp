#include "leases/volume/internal/inodes.hpp"

#include <bit>

namespace sojourn::leases::volume {

namespace {

std::uint64_t offset_of(InodeIndex index) {
    return static_cast<std::uint64_t>(index) * sizeof(Inode);
}

bool is_sound_directory(const Inode& inode) {
    const std::uint64_t blocks = inode.size_bytes / kBlockBytes;
    return inode.size_bytes % kBlockBytes == 0 && blocks <= kDirectoryBlocksMax &&
           (blocks == 0 || std::has_single_bit(blocks)) &&
           inode.used_bytes <= blocks * kNameBlockBytes;
}

}  // namespace

bool is_sound(const Inode& inode) {
    if (inode.content.height > kTreeHeightMax || inode.size_bytes > kFileBytesMax) return false;
    switch (inode.type) {
        case InodeType::free:
            return false;
        case InodeType::file:
            return true;
        case InodeType::directory:
            return is_sound_directory(inode);
        case InodeType::link:
            return inode.size_bytes > 0 && inode.size_bytes <= kLinkBytesMax;
    }
    return false;
}

Answer<Inode> Inodes::load_any(InodeIndex index) const {
    const bool is_row =
        index != kNoInode && static_cast<std::uint32_t>(index) < blocks_.superblock().inode_count;
    if (!is_row) return Errno::io;
    TreeRoot table = blocks_.superblock().inode_table;
    Inode inode{};
    TRY(BlockTree(blocks_, table)
            .read(offset_of(index), std::as_writable_bytes(std::span(&inode, 1))));
    return inode;
}

Answer<Inode> Inodes::load(InodeIndex index) const {
    const Inode inode = TRY(load_any(index));
    return is_sound(inode) ? Answer<Inode>(inode) : Errno::io;
}

Answer<void> Inodes::save(InodeIndex index, const Inode& inode) {
    TreeRoot table = blocks_.superblock().inode_table;
    TRY(BlockTree(blocks_, table).write(offset_of(index), std::as_bytes(std::span(&inode, 1))));
    return {};
}

Answer<InodeIndex> Inodes::add(const Inode& inode) {
    if (blocks_.superblock().free_inode_count == 0) TRY(append_free_row());
    const InodeIndex index = blocks_.superblock().first_free_inode;
    const Inode row = TRY(load_any(index));
    if (row.type != InodeType::free) return Errno::io;
    Superblock changed = blocks_.superblock();
    changed.first_free_inode = row.next;
    --changed.free_inode_count;
    TRY(blocks_.save(changed));
    TRY(save(index, inode));
    return index;
}

Answer<void> Inodes::append_free_row() {
    const InodeIndex index{blocks_.superblock().inode_count};
    if (blocks_.superblock().inode_count == UINT32_MAX) return Errno::nospc;
    TreeRoot table = blocks_.superblock().inode_table;
    const Answer<void> reserved =
        BlockTree(blocks_, table).reserve(offset_of(index), sizeof(Inode));
    // A failure may have made the tree higher.
    Superblock changed = blocks_.superblock();
    changed.inode_table = table;
    if (reserved.ok()) {
        ++changed.inode_count;
        ++changed.free_inode_count;
        changed.first_free_inode = index;
    }
    TRY(blocks_.save(changed));
    TRY(reserved);
    return save(index, Inode{});
}

Answer<void> Inodes::remove(InodeIndex index) {
    Inode inode = TRY(load(index));
    TRY(BlockTree(blocks_, inode.content).cut(0));
    Superblock changed = blocks_.superblock();
    if (changed.free_inode_count + 1 >= changed.inode_count) return Errno::io;
    inode = {};
    inode.next = changed.first_free_inode;
    TRY(save(index, inode));
    changed.first_free_inode = index;
    ++changed.free_inode_count;
    return blocks_.save(changed);
}

}  // namespace sojourn::leases::volume
