#pragma once

#include "leases/volume/internal/block_tree.hpp"

namespace sojourn::leases::volume {

/// The table of inodes. Borrows the blocks.
class Inodes {
public:
    explicit Inodes(Blocks& blocks) : blocks_(blocks) {}

    /// One in use. Errors: io when there is none of that number, or it can't be one.
    Answer<Inode> load(InodeIndex index) const;
    /// The row as it is, free ones too. Errors: io when there is no such row.
    Answer<Inode> load_any(InodeIndex index) const;
    Answer<void> save(InodeIndex index, const Inode& inode);

    /// A row of its own for `inode`. Errors: nospc.
    Answer<InodeIndex> add(const Inode& inode);
    /// Gives back its content and the row.
    Answer<void> remove(InodeIndex index);

private:
    Answer<void> append_free_row();

    Blocks& blocks_;
};

/// Whether an inode in use can be what it says.
bool is_sound(const Inode& inode);

}  // namespace sojourn::leases::volume
