#pragma once

#include <map>

#include "store/internal/family_tables.hpp"

/// Which unit values nobody reads any more, and their removal.
///
/// A value that version `v` wrote on a branch is read by the points of that branch in
/// [v, next version of the same unit): a checkpoint, or the place where another branch left. When
/// the last point in that interval goes, the value is garbage. `written` lists what each version
/// wrote, so that removing a checkpoint looks at what may have become garbage and nothing else.
/// What is to be looked at is noted in `sweeps` in the transaction that removes the point;
/// sweep_some() works it off, later, in pieces.
namespace sojourn::store {

/// Lists, in the same transaction, the units that `at.version` wrote. `units` in key order.
Result<void> note_written(WriteTransaction& transaction, BranchId branch, Version version,
                          std::span<const UnitKey> units);

/// The version will never be published: readers skip it from this transaction on.
Result<void> abandon_version(WriteTransaction& transaction, BranchId branch, Version version);

/// A checkpoint on `branch` at `version` has just been removed.
Result<void> release_point(WriteTransaction& transaction, BranchId branch, Version version);

/// Removes `branch`, and then its ancestors, as long as nothing is on them: no checkpoint, no
/// process, no other branch.
Result<void> remove_dead_branches(WriteTransaction& transaction, BranchId branch);

/// Looks at up to `units_max` noted values and removes what is garbage. False when nothing is left
/// to look at.
Result<bool> sweep_some(WriteTransaction& transaction, std::size_t units_max);

}  // namespace sojourn::store
