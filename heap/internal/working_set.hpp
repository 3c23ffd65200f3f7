#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "heap/internal/page_runs.hpp"

/// What a process had in memory at a checkpoint, for whoever restores it. A hint: nothing depends
/// on it but speed.
namespace sojourn::heap {

/// Groups [first, first + count) of a region: each kGroupBytes.
struct GroupRun {  // on disk
    RegionId region;
    std::uint32_t count;
    std::uint64_t first;

    bool operator==(const GroupRun&) const = default;
};
static_assert(sizeof(GroupRun) == 16);
static_assert(std::has_unique_object_representations_v<GroupRun>);

/// The most urgent first.
using WorkingSet = std::vector<GroupRun>;

/// Appends the groups that `bytes` touch, joined over the smallest gaps until they are `runs_max`.
/// Requires: runs of pages, normalized; runs_max > 0.
void append_groups(RegionId region, const PageRuns& pages, std::size_t runs_max, WorkingSet& set);

void encode_working_set(const WorkingSet& set, ByteWriter& writer);
/// Trusts nothing but the length: who uses it skips what is not there. Errors: corrupt.
Result<WorkingSet> decode_working_set(ByteReader& reader);

}  // namespace sojourn::heap
