#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace sojourn::store {

/// Whether the two pages by which LMDB finds the newest commit of a database follow each other, as
/// they always do: their numbers have no checksum, and with a bit turned in one of them an older
/// commit may look like the newest. Others may commit meanwhile. Errors: corrupt; those of reading.
Result<void> check_commit_numbers(const std::filesystem::path& data_file, std::size_t page_bytes);

}  // namespace sojourn::store
