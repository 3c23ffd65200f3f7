#pragma once

#include <cstdint>
#include <filesystem>

namespace sojourn::tools {

/// How long the files of all databases of a store are.
std::uint64_t database_bytes(const std::filesystem::path& store);

}  // namespace sojourn::tools
