#pragma once

#include "leases/volume/volumes.hpp"

namespace sojourn::leases {

/// Where something that is open in a volume is found again: by its inode, which stays its own while
/// it is open, whatever becomes of its name.
struct VolumePlace {
    DiskId disk{0};
    std::string volume;  ///< its name
    std::string path;    ///< by which it was opened, for people; empty: the root
    InodeIndex inode = kRootInode;
    bool is_read_only = false;

    [[nodiscard]] std::string description() const;
    /// Of what was opened by a name below this.
    [[nodiscard]] VolumePlace below(std::string_view relative, InodeIndex inode) const;
    /// The volume, in which this is open. Errors: not_found, corrupt, unsupported_format.
    [[nodiscard]] Result<Volume*> mount(const Host& host, FileType type) const;
    /// As the guest sees it.
    [[nodiscard]] Answer<FileStatus> status(const Volume& volume) const;
};

void put(ByteWriter& writer, const VolumePlace& place);
Result<VolumePlace> get_volume_place(ByteReader& reader);

}  // namespace sojourn::leases
