#pragma once

#include <filesystem>

#include "store/internal/database_file.hpp"

namespace sojourn::store {

/// The newest commit that a database names, by its first pages as far as they can be read. Errors:
/// corrupt; those of reading.
Result<CommitRecord> newest_commit(const DatabaseFile& file);

/// Whether the two pages by which LMDB finds the newest commit of a database follow each other, as
/// they always do: their numbers have no checksum, and with a bit turned in one of them an older
/// commit may look like the newest. Others may commit meanwhile. Errors: corrupt; those of reading.
Result<void> check_commit_numbers(const std::filesystem::path& data_file, std::size_t page_bytes);

/// Makes the newest commit of a database that nobody uses commit `number` of it, and the one before
/// the same: it takes the place of one that has come that far. Errors: corrupt; those of writing.
Result<void> continue_commit_numbers(int file, std::size_t page_bytes, std::uint64_t number);

}  // namespace sojourn::store
