#pragma once

#include "base/file.hpp"
#include "store/internal/store_directory.hpp"

/// The making of a store's directory, which a crash may break off anywhere. Until the format file
/// is there (write_store_format), nothing in it counts.
namespace sojourn::store {

/// Keeps other makers out until it is closed; waits for them.
Result<UniqueFd> lock_new_store(const StorePaths& paths);

/// Removes what an earlier attempt left of the catalogue: a power cut may have torn it.
/// Requires: the lock, and that the store is still fresh.
void discard_unfinished_store(const StorePaths& paths);

/// Makes durable what the format file will vouch for, and the way to it.
Result<void> sync_new_store(const StorePaths& paths);

}  // namespace sojourn::store
