#include "heap/internal/page_runs.hpp"

#include <algorithm>

namespace sojourn::heap {

void normalize(PageRuns& runs) {
    std::sort(runs.begin(), runs.end(),
              [](const PageRun& a, const PageRun& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        const PageRun run = runs[i];
        if (kept > 0 && run.first <= runs[kept - 1].first + runs[kept - 1].count) {
            PageRun& last = runs[kept - 1];
            last.count = std::max(last.count, run.first + run.count - last.first);
        } else {
            runs[kept++] = run;
        }
    }
    runs.resize(kept);
}

std::uint64_t page_count_of(const PageRuns& runs) {
    std::uint64_t count = 0;
    for (const PageRun& run : runs)
        count += run.count;
    return count;
}

std::vector<store::UnitIndex> units_of(const PageRuns& runs, std::uint64_t unit_bytes) {
    const std::uint64_t pages_a_unit = unit_bytes / kPageBytes;
    std::vector<store::UnitIndex> units;
    std::uint64_t next = 0;
    for (const PageRun& run : runs) {
        const std::uint64_t last = (run.first + run.count - 1) / pages_a_unit;
        for (std::uint64_t unit = std::max(next, run.first / pages_a_unit); unit <= last; ++unit)
            units.push_back(store::UnitIndex{unit});
        next = last + 1;
    }
    return units;
}

}  // namespace sojourn::heap
