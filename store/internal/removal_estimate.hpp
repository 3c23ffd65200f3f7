#pragma once

#include "store/family.hpp"
#include "store/internal/family_tables.hpp"

namespace sojourn::store {

/// How many bytes of values nobody would read any more. Errors: not_found; busy for a checkpoint
/// that a process stands at which is not removed itself.
Result<std::uint64_t> estimate_removal(const Transaction& transaction, const Removal& removal);

}  // namespace sojourn::store
