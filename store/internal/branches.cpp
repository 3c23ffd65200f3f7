#include "store/internal/branches.hpp"

#include <algorithm>

namespace sojourn::store {

Result<Branches> branches_by_id(const Transaction& transaction) {
    Branches branches;
    for (const NumberedBranch& branch : TRY(read_branches(transaction)))
        branches.emplace(branch.id, branch.record);
    return branches;
}

Result<BranchId> open_branch(WriteTransaction& transaction, const BranchRecord& branch) {
    FamilyRecord family = TRY(read_family_record(transaction));
    family.last_branch = BranchId{static_cast<std::uint32_t>(plain(next(family.last_branch)))};
    TRY(transaction.put(index_of(FamilyTable::branches), make_key(family.last_branch),
                        encode_record(branch)));
    TRY(write_family_record(transaction, family));
    return family.last_branch;
}

Result<void> leave_at(WriteTransaction& transaction, ProcessRecord& process,
                      const CheckpointInfo& checkpoint) {
    BranchRecord branch;
    branch.parent = checkpoint.branch;
    branch.fork = checkpoint.id;
    branch.owner = process.id;
    process.branch = TRY(open_branch(transaction, branch));
    process.head = checkpoint.id;
    return {};
}

Result<std::map<BranchId, Version>> history_of(const Branches& branches, ProcessId id) {
    std::map<BranchId, Version> reach;
    for (const auto& [branch, record] : branches) {
        if (record.owner != id) continue;
        reach[branch] = Version{UINT64_MAX};
        Version limit = record.fork;
        for (BranchId up = record.parent; up != kNoBranch;) {
            reach[up] = std::max(reach[up], limit);
            const auto parent = branches.find(up);
            if (parent == branches.end())
                return fail(ErrorCode::corrupt, "branch {} is missing", plain(up));
            limit = std::min(limit, parent->second.fork);
            up = parent->second.parent;
        }
    }
    return reach;
}

}  // namespace sojourn::store
