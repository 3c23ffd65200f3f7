#pragma once

#include <filesystem>

#include "store/internal/environment.hpp"

/// The database of compiled code (docs/formats/store.md).
namespace sojourn::store {

inline constexpr TableIndex kCode{0};      ///< key ► value
inline constexpr TableIndex kCodeUsed{1};  ///< key ► u64 seconds since 1970, big-endian

/// Errors: not_found, corrupt, those of directories.
Result<std::shared_ptr<Environment>> open_code(const std::filesystem::path& directory);

/// What is there already, or nothing new in its place: a database that is damaged is left out, as
/// is one that is not there. Errors: those that say nothing of the database.
Result<std::shared_ptr<Environment>> find_code(const std::filesystem::path& directory);

/// Whether nobody has changed the database since its soundness was noted: looking through a large
/// one takes longer than many a program runs.
bool is_known_sound(const std::filesystem::path& directory);
/// Requires: it was looked through as it is, or was sound and has been changed by commits alone.
void note_soundness(const std::filesystem::path& directory);

/// As open_code(), but it is made when it is not there, and anew when it is damaged.
Result<std::shared_ptr<Environment>> open_or_make_code(const std::filesystem::path& directory);

}  // namespace sojourn::store
