#pragma once

#include <filesystem>

#include "base/random.hpp"

namespace sojourn::process {

/// What tells the code that this user made on this host from any other. The file, which only the
/// user may read, is made when it is not there; a file of the same bytes gives another secret on
/// another host. Errors: permission_denied when others could know it; those of files.
Result<ByteVector> code_secret(const std::filesystem::path& file, Random& random);

}  // namespace sojourn::process
