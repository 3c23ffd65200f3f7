#include "store/internal/family_tables.hpp"

namespace sojourn::store {

namespace {

const Bytes kFamilyKey = as_bytes("family");

/// Calls `visit(key, value)` for each entry of a table whose keys are `key_bytes` long.
template <typename Visit>
Result<void> for_each_entry(const Transaction& transaction, FamilyTable table,
                            std::size_t key_bytes, Visit visit) {
    Cursor cursor = transaction.cursor(index_of(table));
    for (bool found = TRY(cursor.next()); found; found = TRY(cursor.next())) {
        if (cursor.key().size() != key_bytes) {
            return fail(ErrorCode::corrupt, "{} has a key of {} bytes instead of {}",
                        transaction.environment().directory().native(), cursor.key().size(),
                        key_bytes);
        }
        TRY(visit(cursor.key(), cursor.value()));
    }
    return {};
}

}  // namespace

EnvironmentOptions family_environment_options(bool create, bool sync) {
    return {.tables = {"pages", "family", "processes", "branches", "checkpoints", "attachments",
                       "written", "staged", "sweeps"},
            .hot_table = index_of(FamilyTable::pages),
            .create = create,
            .sync = sync};
}

Result<FamilyRecord> read_family_record(const Transaction& transaction) {
    const auto value = TRY(transaction.get(index_of(FamilyTable::family), kFamilyKey));
    const auto& directory = transaction.environment().directory().native();
    if (!value) return fail(ErrorCode::corrupt, "{} has no family record", directory);
    const auto family = TRY(decode_record<FamilyRecord>(*value, "a family record"));
    if (family.format != kFamilyFormat) {
        return fail(ErrorCode::unsupported_format,
                    "{} has format {}, this build reads {}: use the release that made it to export "
                    "the process",
                    directory, family.format, kFamilyFormat);
    }
    return family;
}

Result<void> write_family_record(WriteTransaction& transaction, const FamilyRecord& family) {
    return transaction.put(index_of(FamilyTable::family), kFamilyKey, encode_record(family));
}

Result<ProcessRecord> read_process(const Transaction& transaction, ProcessId id) {
    const auto value = TRY(transaction.get(index_of(FamilyTable::processes), id.bytes));
    if (!value) return fail(ErrorCode::not_found, "there is no process {}", id.hex());
    auto process = TRY(decode_process(*value));
    if (process.id == id) return process;
    return fail(ErrorCode::corrupt, "process {} has the record of {}", id.hex(), process.id.hex());
}

Result<void> write_process(WriteTransaction& transaction, const ProcessRecord& process) {
    return transaction.put(index_of(FamilyTable::processes), process.id.bytes,
                           encode_process(process));
}

Result<std::vector<ProcessRecord>> read_processes(const Transaction& transaction) {
    std::vector<ProcessRecord> processes;
    TRY(for_each_entry(transaction, FamilyTable::processes, sizeof(ProcessId),
                       [&](Bytes, Bytes value) -> Result<void> {
                           auto process = decode_process(value);
                           if (!process.ok()) return process.error();
                           processes.push_back(*std::move(process));
                           return {};
                       }));
    return processes;
}

Result<BranchRecord> read_branch(const Transaction& transaction, BranchId id) {
    const auto value = TRY(transaction.get(index_of(FamilyTable::branches), make_key(id)));
    if (!value) return fail(ErrorCode::corrupt, "branch {} is missing", plain(id));
    const auto branch = TRY(decode_record<BranchRecord>(*value, "a branch record"));
    // Walks to the root end because of this.
    if (branch.parent >= id) {
        return fail(ErrorCode::corrupt, "branch {} claims to grow from branch {}", plain(id),
                    plain(branch.parent));
    }
    return branch;
}

Result<std::vector<NumberedBranch>> read_branches(const Transaction& transaction) {
    std::vector<NumberedBranch> branches;
    TRY(for_each_entry(transaction, FamilyTable::branches, sizeof(BranchId),
                       [&](Bytes key, Bytes value) -> Result<void> {
                           auto record = decode_record<BranchRecord>(value, "a branch record");
                           if (!record.ok()) return record.error();
                           branches.push_back({KeyReader(key).get<BranchId>(), *record});
                           return {};
                       }));
    return branches;
}

Result<CheckpointInfo> read_checkpoint(const Transaction& transaction, Version id) {
    const auto value = TRY(transaction.get(index_of(FamilyTable::checkpoints), make_key(id)));
    if (!value) return fail(ErrorCode::not_found, "there is no checkpoint {}", plain(id));
    auto checkpoint = TRY(decode_checkpoint(*value));
    if (checkpoint.id == id) return checkpoint;
    return fail(ErrorCode::corrupt, "checkpoint {} has the record of {}", plain(id),
                plain(checkpoint.id));
}

Result<std::vector<CheckpointInfo>> read_checkpoints(const Transaction& transaction) {
    std::vector<CheckpointInfo> checkpoints;
    TRY(for_each_entry(transaction, FamilyTable::checkpoints, sizeof(Version),
                       [&](Bytes, Bytes value) -> Result<void> {
                           auto checkpoint = decode_checkpoint(value);
                           if (!checkpoint.ok()) return checkpoint.error();
                           checkpoints.push_back(*std::move(checkpoint));
                           return {};
                       }));
    return checkpoints;
}

Result<bool> is_abandoned(const Transaction& transaction, BranchId branch, Version version) {
    if (transaction.is_empty(index_of(FamilyTable::sweeps))) return false;
    const auto value =
        TRY(transaction.get(index_of(FamilyTable::sweeps), make_key(branch, version)));
    if (!value) return false;
    const auto sweep = TRY(decode_record<SweepRecord>(*value, "a sweep record"));
    return sweep.reason == SweepReason::abandoned;
}

}  // namespace sojourn::store
