#pragma once

#include <map>

#include "store/internal/family_tables.hpp"

/// The branches of a family: making one, and whose history they are.
namespace sojourn::store {

using Branches = std::map<BranchId, BranchRecord>;

Result<Branches> branches_by_id(const Transaction& transaction);

Result<BranchId> open_branch(WriteTransaction& transaction, const BranchRecord& branch);

/// Moves `process`, which is not written, to a new branch that leaves `checkpoint`.
Result<void> leave_at(WriteTransaction& transaction, ProcessRecord& process,
                      const CheckpointInfo& checkpoint);

/// How far each branch is the history of `id`: all of the branches it owns, the others up to where
/// it left them. Errors: corrupt.
Result<std::map<BranchId, Version>> history_of(const Branches& branches, ProcessId id);

}  // namespace sojourn::store
