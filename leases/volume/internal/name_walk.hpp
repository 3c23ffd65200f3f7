#pragma once

#include "leases/volume/internal/parts.hpp"

namespace sojourn::leases::volume {

/// Where a path leads.
struct Destination {
    InodeIndex directory = kNoInode;  ///< that has the name, or would have it
    std::string name;                 ///< empty: the path leads to `directory` itself
    bool names_directory = false;     ///< the path ended in '/'
    std::optional<Name> found;        ///< what has the name
};

enum class LastLink { follow, keep };
enum class Purpose { find, create };

/// Follows a path, `..` and symbolic links on the way, and a link at its end as asked; one with a
/// slash behind it always, but to create, since no file is made by such a name. Errors: perm when
/// it leads out of `start`; noent, notdir, loop, nametoolong, inval.
Answer<Destination> walk(const Volume::Parts& parts, InodeIndex start, std::string_view path,
                         LastLink last_link, Purpose purpose = Purpose::find);

/// The directory that has, or would have, the last component, which is not followed. Errors: as
/// walk(), and inval when the component is "." or "..".
Answer<Destination> walk_to_name(const Volume::Parts& parts, InodeIndex start,
                                 std::string_view path);

}  // namespace sojourn::leases::volume
