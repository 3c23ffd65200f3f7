#pragma once

#include <filesystem>
#include <functional>

#include "tools/vm/volume_reference.hpp"

namespace sojourn::tools {

/// What is copied besides a file.
enum class Tree : std::uint8_t { no, yes };

/// Copies what `reference` names to `target`, or into it if it is a directory. Of what is copied
/// nothing may be there, but a file that takes the place of a file: so nothing is written through
/// a link that came out of the volume. Errors: already_exists, and those of volume and host.
Result<void> copy_out(const leases::Volume& volume, const VolumeReference& reference,
                      const std::filesystem::path& target, Tree tree);

/// The same the other way. Directories that are there already take up what is new.
Result<void> copy_in(const std::filesystem::path& source, leases::Volume& volume,
                     const VolumeReference& reference, Tree tree);

}  // namespace sojourn::tools
