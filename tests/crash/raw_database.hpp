#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

/// Databases that no store of this build would make, by way of LMDB itself.
namespace sojourn::tests {

/// Makes the file `data_file`, a database of some other program.
void make_other_database(const std::filesystem::path& data_file);

/// Adds `step` to the number, little-endian, `offset` bytes into the sealed record `key` of a table
/// that has the same name (docs/formats/store.md).
void change_number(const std::filesystem::path& directory, const std::string& key,
                   std::size_t offset, std::int32_t step);

/// Turns the first byte of the value under `key`, in a table of that name.
void damage_value(const std::filesystem::path& directory, const char* table,
                  const std::string& key);

}  // namespace sojourn::tests
