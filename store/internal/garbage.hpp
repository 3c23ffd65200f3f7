#pragma once

#include "store/internal/family_tables.hpp"

/// Which unit values nobody reads any more, and their removal.
///
/// A value that version `v` wrote on a branch is read by the points of that branch in
/// [v, next version of the same unit): a checkpoint, or the place where another branch left. When
/// the last point in that interval goes, the value is garbage. Versions that may hold garbage are
/// noted in `sweeps` in the transaction that removes the point; sweep_some() works them off, later,
/// in pieces.
namespace sojourn::store {

/// The version will never be published: readers skip it from this transaction on.
Result<void> abandon_version(WriteTransaction& transaction, BranchId branch, Version version);

/// Gives up what `process` staged under versions below `limit`.
Result<void> abandon_staged(WriteTransaction& transaction, const ProcessRecord& process,
                            Version limit);

/// A checkpoint on `branch` at `version` has just been removed.
Result<void> release_point(WriteTransaction& transaction, BranchId branch, Version version);

/// Removes `branch`, and then its ancestors, as long as nothing is on them: no checkpoint, no
/// process, no other branch.
Result<void> remove_dead_branches(WriteTransaction& transaction, BranchId branch);

/// Looks at some `units` noted values, in whole lists, and removes what is garbage. False when
/// nothing is left to look at.
Result<bool> sweep_some(WriteTransaction& transaction, std::size_t units);

}  // namespace sojourn::store
