#include "heap/internal/working_set.hpp"

#include <algorithm>

#include "heap/internal/cache.hpp"

namespace sojourn::heap {

namespace {

constexpr std::uint64_t kPagesAGroup = kGroupBytes / kPageBytes;

PageRuns groups_of(const PageRuns& pages) {
    PageRuns groups;
    for (const PageRun& run : pages) {
        const std::uint64_t first = run.first / kPagesAGroup;
        const std::uint64_t last = (run.first + run.count - 1) / kPagesAGroup;
        groups.push_back({first, last - first + 1});
    }
    normalize(groups);
    return groups;
}

/// The gap that has to be closed, with all smaller ones, for `runs_max` runs to be left.
std::uint64_t largest_closed_gap(const PageRuns& runs, std::size_t runs_max) {
    std::vector<std::uint64_t> gaps;
    for (std::size_t i = 1; i < runs.size(); ++i)
        gaps.push_back(runs[i].first - runs[i - 1].first - runs[i - 1].count);
    const auto last_closed = gaps.end() - static_cast<std::ptrdiff_t>(runs_max);
    std::nth_element(gaps.begin(), last_closed, gaps.end());
    return *last_closed;
}

void join_over_gaps(PageRuns& runs, std::size_t runs_max) {
    if (runs.size() <= runs_max) return;
    const std::uint64_t closed = largest_closed_gap(runs, runs_max);
    std::size_t kept = 0;
    for (std::size_t i = 1; i < runs.size(); ++i) {
        const std::uint64_t end = runs[kept].first + runs[kept].count;
        if (runs[i].first - end <= closed) {
            runs[kept].count = runs[i].first + runs[i].count - runs[kept].first;
        } else {
            runs[++kept] = runs[i];
        }
    }
    runs.resize(kept + 1);
}

}  // namespace

void append_groups(RegionId region, const PageRuns& pages, std::size_t runs_max, WorkingSet& set) {
    PageRuns groups = groups_of(pages);
    join_over_gaps(groups, runs_max);
    for (const PageRun& run : groups)
        set.push_back({region, static_cast<std::uint32_t>(run.count), run.first});
}

void encode_working_set(const WorkingSet& set, ByteWriter& writer) {
    writer.put(static_cast<std::uint32_t>(set.size()));
    for (const GroupRun& run : set)
        writer.put(run);
}

Result<WorkingSet> decode_working_set(ByteReader& reader) {
    WorkingSet set(TRY(reader.get_count(sizeof(GroupRun))));
    for (GroupRun& run : set)
        run = TRY(reader.get<GroupRun>());
    return set;
}

}  // namespace sojourn::heap
