#pragma once

#include <functional>

#include "store/store.hpp"

/// Gives the space that removals have left in a store's databases back to the file system.
namespace sojourn::store {

struct CompactionReport {
    std::uint64_t before_bytes = 0;  ///< of the databases' files
    std::uint64_t after_bytes = 0;
    std::uint64_t copied_bytes = 0;
    std::uint64_t databases = 0;  ///< that were compacted; those with little to gain are not
    std::uint64_t pause_us = 0;   ///< the longest that somebody who wrote had to wait
};

/// What compact_store() would do, changing nothing. Requires: the store is in a directory.
/// Errors: corrupt, io.
Result<CompactionReport> plan_compaction(Store& store);

/// While others run, checkpoint and read. `progress` is called with how many bytes were copied
/// since it was last. Requires: the store is in a directory. Errors: corrupt, busy, store_full, io;
/// what was compacted by then stays so, and the rest is as it was.
Result<CompactionReport> compact_store(Store& store,
                                       const std::function<void(std::uint64_t bytes)>& progress);

}  // namespace sojourn::store
