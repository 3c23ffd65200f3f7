#include "heap/internal/page_runs.hpp"

#include <algorithm>

namespace sojourn::heap {

namespace {

constexpr auto kByFirst = [](const PageRun& a, const PageRun& b) { return a.first < b.first; };

}  // namespace

void normalize(PageRuns& runs) {
    if (!std::is_sorted(runs.begin(), runs.end(), kByFirst)) {
        std::sort(runs.begin(), runs.end(), kByFirst);
    }
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

void append_overlap(const PageRuns& runs, const PageRun& range, PageRuns& overlap) {
    const std::uint64_t range_end = range.first + range.count;
    auto run = std::upper_bound(runs.begin(), runs.end(), range, kByFirst);
    if (run != runs.begin()) --run;
    for (; run != runs.end() && run->first < range_end; ++run) {
        const std::uint64_t first = std::max(run->first, range.first);
        const std::uint64_t end = std::min(run->first + run->count, range_end);
        if (first < end) overlap.push_back({first, end - first});
    }
}

void subtract(PageRuns& runs, const PageRuns& what) {
    PageRuns left;
    auto taken = what.begin();
    for (const PageRun& run : runs) {
        std::uint64_t first = run.first;
        const std::uint64_t end = run.first + run.count;
        while (taken != what.end() && taken->first + taken->count <= first)
            ++taken;
        for (auto hole = taken; hole != what.end() && hole->first < end; ++hole) {
            if (hole->first > first) left.push_back({first, hole->first - first});
            first = hole->first + hole->count;
        }
        if (first < end) left.push_back({first, end - first});
    }
    runs = std::move(left);
}

std::vector<UnitPages> units_of(const PageRuns& runs, std::uint64_t unit_bytes) {
    const std::uint64_t pages_a_unit = unit_bytes / kPageBytes;
    std::vector<UnitPages> units;
    for (const PageRun& run : runs) {
        const std::uint64_t end = run.first + run.count;
        for (std::uint64_t page = run.first; page < end;) {
            const store::UnitIndex unit{page / pages_a_unit};
            const std::uint64_t shift = page % pages_a_unit;
            const std::uint64_t count = std::min(end - page, pages_a_unit - shift);
            const auto pages = static_cast<PageMask>(((1U << count) - 1) << shift);
            if (units.empty() || units.back().unit != unit) units.push_back({unit, 0});
            units.back().pages |= pages;
            page += count;
        }
    }
    return units;
}

}  // namespace sojourn::heap
