#pragma once

#include "store/internal/environment.hpp"

/// A database without its free pages: LMDB uses them again, and never gives them back.
namespace sojourn::store {

struct CompactionEstimate {
    std::uint64_t before_bytes = 0;
    std::uint64_t after_bytes = 0;
};

/// What compacting would make of the newest commit, by its list of free pages. Errors: corrupt, io.
Result<CompactionEstimate> estimate_compaction(const Environment& environment);

struct Compacted {
    std::uint64_t before_bytes = 0;
    std::uint64_t after_bytes = 0;
    std::uint64_t pause_us = 0;  ///< the longest that writers had to wait
};

/// Puts a copy in the place of the file. Others read and write meanwhile, and wait for a moment
/// while the copy is begun and when it has its place; the old file's space is free when all of them
/// have noticed. Killed at any moment, it leaves one of the two files, whole, and maybe the folder
/// `compacted`, which the next one removes. `progress` is called with how many bytes were copied
/// since it was last. Errors: corrupt, busy (somebody else compacts it), store_full, io; then
/// everything is as it was.
Result<Compacted> compact(const Environment& environment, const CompactionEstimate& estimate,
                          const std::function<void(std::uint64_t bytes)>& progress);

}  // namespace sojourn::store
