#pragma once

#include <string>
#include <vector>

#include "base/work_crew.hpp"
#include "store/internal/environment.hpp"
#include "store/verify.hpp"

namespace sojourn::store {

/// Walks every table of a family and reports each thing that does not hold as one sentence. Reads
/// in pieces, so that a writer is not held up, and values in as many threads as `crew` has to
/// spare. Errors: those of the database.
Result<std::vector<std::string>> verify_family(const Environment& environment, WorkCrew& crew,
                                               const BytesSeen& progress);

}  // namespace sojourn::store
