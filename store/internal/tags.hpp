#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/internal/family_tables.hpp"

/// Names that people give to checkpoints, in the table `family` (docs/formats/store.md).
namespace sojourn::store {

/// Errors: not_found; invalid_argument; already_exists when another checkpoint of the same process
/// has it and `moves` is false.
Result<void> put_tag(WriteTransaction& transaction, Version checkpoint, const std::string& tag,
                     bool moves);
/// Errors: not_found.
Result<void> erase_tag(WriteTransaction& transaction, Version checkpoint, const std::string& tag);
Result<void> erase_tags_of(WriteTransaction& transaction, Version checkpoint);

Result<std::vector<std::string>> tags_of(const Transaction& transaction, Version checkpoint);
/// Fills in the tags of each.
Result<void> read_tags(const Transaction& transaction, std::span<CheckpointInfo> checkpoints);

/// What both kinds of family say of a tag. Errors: invalid_argument: none, or longer than a key.
Result<void> check_tag(const std::string& tag);
Error tag_taken(const std::string& tag, Version by);
Error no_tag(const std::string& tag, Version checkpoint);
Error tagged_error(Version checkpoint, const std::vector<std::string>& tags);

}  // namespace sojourn::store
