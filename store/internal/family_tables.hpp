#pragma once

#include <vector>

#include "store/internal/environment.hpp"
#include "store/internal/keys.hpp"
#include "store/internal/records.hpp"

/// Typed reading and writing of a family's tables inside one transaction.
namespace sojourn::store {

inline constexpr std::uint32_t kFamilyFormat = 1;

enum class FamilyTable : unsigned {
    pages,        ///< (branch, region, unit, version) ► encoded unit
    family,       ///< one FamilyRecord, and the tags
    processes,    ///< process id ► ProcessRecord
    branches,     ///< branch ► BranchRecord
    checkpoints,  ///< version ► CheckpointInfo
    attachments,  ///< version ► blob
    written,      ///< (branch, version, sequence) ► runs of the units that the version wrote
    staged,       ///< version ► StagedRecord
    sweeps,       ///< (branch, version) ► SweepRecord
};

constexpr TableIndex index_of(FamilyTable table) {
    return static_cast<TableIndex>(static_cast<unsigned>(table));
}

inline constexpr TableIndex kPages = index_of(FamilyTable::pages);
inline constexpr TableIndex kCheckpoints = index_of(FamilyTable::checkpoints);
inline constexpr TableIndex kAttachments = index_of(FamilyTable::attachments);

EnvironmentOptions family_environment_options(bool create, bool sync);

Result<FamilyRecord> read_family_record(const Transaction& transaction);
Result<void> write_family_record(WriteTransaction& transaction, const FamilyRecord& family);

/// Errors: not_found.
Result<ProcessRecord> read_process(const Transaction& transaction, ProcessId id);
Result<void> write_process(WriteTransaction& transaction, const ProcessRecord& process);
Result<std::vector<ProcessRecord>> read_processes(const Transaction& transaction);

/// Errors: corrupt: a branch that something names is there.
Result<BranchRecord> read_branch(const Transaction& transaction, BranchId id);
struct NumberedBranch {
    BranchId id;
    BranchRecord record;
};
Result<std::vector<NumberedBranch>> read_branches(const Transaction& transaction);

/// Errors: not_found. `durable_us` is left 0.
Result<CheckpointInfo> read_checkpoint(const Transaction& transaction, Version id);
/// By id.
Result<std::vector<CheckpointInfo>> read_checkpoints(const Transaction& transaction);

/// Never published: readers skip what it wrote. Allocates nothing unless it fails.
Result<bool> is_abandoned(const Transaction& transaction, BranchId branch, Version version);

}  // namespace sojourn::store
