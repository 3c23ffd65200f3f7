#pragma once

#include <filesystem>

#include "base/sha256.hpp"

namespace sojourn::vm {

/// What code depends on besides the module that it is made of: which build of the compiler made it,
/// for what processor. Known without loading the compiler, whose file is given. Errors: those of
/// files; unsupported when the file does not say which build it is.
Result<Sha256> compiler_identity(const std::filesystem::path& compiler);

/// Of a processor, what code that is made for it may depend on, of what Linux says about it
/// (/proc/cpuinfo): model and features, neither its clock nor its number.
std::string processor_identity(std::string_view cpuinfo);

}  // namespace sojourn::vm
