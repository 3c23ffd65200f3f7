#pragma once

#include "store/internal/family_tables.hpp"

/// The table `written`: which units each version wrote, so that what may have become garbage is
/// found without a walk over everything.
namespace sojourn::store {

struct ListKey {
    BranchId branch = kNoBranch;
    Version version = kNoVersion;
    std::uint32_t sequence = 0;  ///< one version may have several lists
};

struct WrittenList {
    ListKey key;
    std::vector<UnitRun> runs;

    [[nodiscard]] std::vector<UnitKey> units() const;
};

/// Lists `units`, in key order, as written by `version`; in several lists when they are many.
Result<void> note_written(WriteTransaction& transaction, BranchId branch, Version version,
                          std::span<const UnitKey> units);

/// The first list at or behind `from`.
Result<std::optional<WrittenList>> next_list(const Transaction& transaction, const ListKey& from);

/// Replaces the list under `key`; without units it goes.
Result<void> replace_list(WriteTransaction& transaction, const ListKey& key,
                          std::span<const UnitKey> units);

/// The versions in (after, last] of `branch` that list units.
Result<std::vector<Version>> listing_versions(const Transaction& transaction, BranchId branch,
                                              Version after, Version last);

}  // namespace sojourn::store
