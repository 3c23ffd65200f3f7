#pragma once

#include "leases/volume/internal/inodes.hpp"
#include "leases/volume/internal/names.hpp"
#include "leases/volume/volume.hpp"

namespace sojourn::leases {

struct Volume::Parts {
    Parts(volume::Blocks blocks_, const Clock& clock_)
        : blocks(blocks_), inodes(blocks), clock(clock_) {}
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    /// Errors: notdir, io.
    Answer<volume::Inode> load_directory(InodeIndex index) const;
    /// Errors: isdir, inval for a link, io.
    Answer<volume::Inode> load_file(InodeIndex index) const;

    /// nullopt when the directory has no such name. Errors: nametoolong, notdir, io.
    Answer<std::optional<volume::Name>> find_name(InodeIndex directory,
                                                  std::string_view name) const;
    /// Errors: noent when the directory was removed; nospc, io.
    Answer<void> add_name(InodeIndex directory, const volume::Name& name);
    Answer<void> change_name(InodeIndex directory, const volume::Name& name);
    Answer<void> remove_name(InodeIndex directory, std::string_view name);

    /// A new inode under a new name. Errors: as add_name(), and nothing has happened then.
    Answer<InodeIndex> create(InodeIndex directory, std::string_view name, volume::Inode inode,
                              Bytes content = {});
    [[nodiscard]] volume::Inode new_inode(volume::InodeType type) const;
    /// One name less, or all those of a directory: it goes, unless it is open.
    Answer<void> drop_name_of(InodeIndex inode);
    Answer<std::string> link_target(InodeIndex link) const;

    // Mutable in what only reads: a tree is read through the same object as it is changed.
    mutable volume::Blocks blocks;
    volume::Inodes inodes;
    const Clock& clock;

private:
    template <typename Change>
    Answer<void> change_names(InodeIndex directory, const Change& change);
};

namespace volume {

FileType file_type_of(InodeType type);

}  // namespace volume

}  // namespace sojourn::leases
