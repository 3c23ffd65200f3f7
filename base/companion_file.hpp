#pragma once

#include <string>

#include "base/result.hpp"

namespace sojourn {

/// Where a file lies that came with this program: in a build beside it, once installed in
/// `libexec/sojourn` beside its `bin`.
Result<std::string> companion_file(const std::string& name);

}  // namespace sojourn
