#pragma once

#include <string>
#include <vector>

#include "store/internal/environment.hpp"

namespace sojourn::store {

/// Walks every table of a family and reports each thing that does not hold as one sentence. Reads
/// in pieces, so that a writer is not held up. Errors: those of the database.
Result<std::vector<std::string>> verify_family(const Environment& environment);

}  // namespace sojourn::store
