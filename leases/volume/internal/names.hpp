#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "leases/volume/internal/block_tree.hpp"

namespace sojourn::leases::volume {

struct Name {
    std::string name;
    InodeIndex inode = kNoInode;
    InodeType type = InodeType::free;
};

/// The names in one directory: a hash table of blocks. A name lies in the block that its hash says,
/// or, where that is full, in one of the next with room (linear probing: Knuth, The Art of Computer
/// Programming, 6.4). Borrows the blocks, and the inode, which is the caller's to save after a
/// change, failed ones too.
///
/// Requires: the inode is a sound directory.
class Names {
public:
    Names(Blocks& blocks, Inode& directory)
        : tree_(blocks, directory.content), directory_(directory) {}

    Answer<std::optional<Name>> find(std::string_view name) const;
    /// Requires: there is none of that name. Errors: nospc.
    Answer<void> add(const Name& name);
    /// From now on the name is another's. Errors: io when there is none.
    Answer<void> change(const Name& name);
    /// Errors: io when there is none.
    Answer<void> remove(std::string_view name);
    [[nodiscard]] bool is_empty() const { return directory_.used_bytes == 0; }
    /// In no order. Errors: nomem for more than `count_max`.
    Answer<std::vector<Name>> list(std::size_t count_max) const;

private:
    struct Location;
    Answer<std::optional<Location>> locate(std::string_view name) const;
    [[nodiscard]] std::uint64_t block_count() const;
    Answer<bool> place(const Name& name);
    Answer<void> rehash();

    BlockTree tree_;
    Inode& directory_;
};

}  // namespace sojourn::leases::volume
