#pragma once

#include <cstdint>

namespace sojourn::leases {

/// The number of a file, directory or link in its volume: good while it has a name or is open.
enum class InodeIndex : std::uint32_t {};
inline constexpr InodeIndex kRootInode{1};

}  // namespace sojourn::leases
