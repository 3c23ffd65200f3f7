#include "store/compact.hpp"

#include <algorithm>

#include "store/internal/compaction.hpp"
#include "store/internal/lmdb_store.hpp"

namespace sojourn::store {

namespace {

/// A copy of everything is not made for less than this part of it.
constexpr std::uint64_t kWorthwhilePart = 64;

using Compact = std::function<Result<Compacted>(const Environment&, const CompactionEstimate&)>;

Result<CompactionReport> compact_with(Store& store, const Compact& compact_one) {
    auto* directory = dynamic_cast<LmdbStore*>(&store);
    EXPECTS(directory != nullptr, "a store in memory has no files");
    CompactionReport report;
    const auto done =
        directory->for_each_database([&](const Environment& environment) -> Result<void> {
            const CompactionEstimate estimate = TRY(estimate_compaction(environment));
            Compacted one{estimate.before_bytes, estimate.before_bytes, 0};
            const bool is_worthwhile =
                estimate.after_bytes + estimate.before_bytes / kWorthwhilePart <
                estimate.before_bytes;
            if (is_worthwhile) {
                one = TRY(compact_one(environment, estimate));
                ++report.databases;
                report.copied_bytes += one.after_bytes;
            }
            report.before_bytes += one.before_bytes;
            report.after_bytes += one.after_bytes;
            report.pause_us = std::max(report.pause_us, one.pause_us);
            return {};
        });
    if (!done.ok()) return done.error();
    return report;
}

}  // namespace

Result<CompactionReport> plan_compaction(Store& store) {
    return compact_with(
        store, [](const Environment&, const CompactionEstimate& estimate) -> Result<Compacted> {
            return Compacted{estimate.before_bytes, estimate.after_bytes, 0};
        });
}

Result<CompactionReport> compact_store(Store& store,
                                       const std::function<void(std::uint64_t bytes)>& progress) {
    return compact_with(store,
                        [&](const Environment& environment, const CompactionEstimate& estimate) {
                            return compact(environment, estimate, progress);
                        });
}

}  // namespace sojourn::store
