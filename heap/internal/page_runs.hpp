#pragma once

#include "heap/mechanism.hpp"

namespace sojourn::heap {

/// Sorts runs and joins those that overlap or touch.
void normalize(PageRuns& runs);

std::uint64_t page_count_of(const PageRuns& runs);

/// Appends what of `runs` lies in `range`. Requires: normalized runs.
void append_overlap(const PageRuns& runs, const PageRun& range, PageRuns& overlap);

/// Takes `what` out of `runs`. Requires: both normalized.
void subtract(PageRuns& runs, const PageRuns& what);

/// Pages of one unit: bit i is its i-th.
using PageMask = std::uint16_t;
static_assert(store::kUnitBytesMax / kPageBytes == 16);

struct UnitPages {
    store::UnitIndex unit;
    PageMask pages;

    bool operator==(const UnitPages&) const = default;
};

/// What the runs are of each unit that they touch, ascending. Requires: normalized runs.
std::vector<UnitPages> units_of(const PageRuns& runs, std::uint64_t unit_bytes);

}  // namespace sojourn::heap
