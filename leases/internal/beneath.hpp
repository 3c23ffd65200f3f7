#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>

#include "leases/service.hpp"

/// Opening names that a guest made up without ever leaving a directory: not by "..", not by an
/// absolute name, not by a symbolic link, not by any of them changing while we look.
namespace sojourn::leases {

struct OpenHow {
    int flags;        ///< of open(2); O_NOFOLLOW leaves a final symbolic link alone
    mode_t mode = 0;  ///< of a file that O_CREAT makes
};

/// Errors: perm when the name leads out of `root`, else what open(2) says.
Answer<UniqueFd> open_beneath(int root, std::string_view path, OpenHow how);

/// The two ways in which open_beneath() works: with openat2(2), and where the kernel lacks it,
/// component by component.
Answer<UniqueFd> open_beneath_by_kernel(int root, const std::string& path, OpenHow how);
Answer<UniqueFd> open_beneath_by_walking(int root, std::string_view path, OpenHow how);

/// The directory that holds the last component of a name, for calls that have no openat2 form.
/// The component is never a symbolic link to such a call, nor "." or "..".
struct ParentAndName {
    UniqueFd parent;
    std::string name;
    bool names_directory = false;  ///< the name ended in '/'
};

/// Errors: as open_beneath(), and inval when the last component is "." or "..".
Answer<ParentAndName> open_parent_beneath(int root, std::string_view path);

}  // namespace sojourn::leases
