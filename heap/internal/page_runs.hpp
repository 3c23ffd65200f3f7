#pragma once

#include "heap/mechanism.hpp"

namespace sojourn::heap {

/// Sorts runs and joins those that overlap or touch.
void normalize(PageRuns& runs);

std::uint64_t page_count_of(const PageRuns& runs);

/// The units that the runs touch, ascending, each once. Requires: normalized runs.
std::vector<store::UnitIndex> units_of(const PageRuns& runs, std::uint64_t unit_bytes);

}  // namespace sojourn::heap
