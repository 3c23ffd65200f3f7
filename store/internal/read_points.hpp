#pragma once

#include <map>
#include <set>

#include "store/internal/branches.hpp"

namespace sojourn::store {

/// Where each branch is read: at its checkpoints, and where other branches left it.
class ReadPoints {
public:
    static Result<ReadPoints> of(const Transaction& transaction);
    static ReadPoints of(std::span<const CheckpointInfo> checkpoints, const Branches& branches);

    [[nodiscard]] bool is_empty(BranchId branch) const { return !points_.contains(branch); }
    [[nodiscard]] bool contains(BranchId branch, Version version) const;
    /// The last one in front of `version`; kNoVersion when there is none.
    [[nodiscard]] Version before(BranchId branch, Version version) const;

    /// Whether a value is read: whether a point lies in [its version, the unit's next one).
    /// `pages` is a cursor on that table.
    Result<bool> reach(const Transaction& transaction, Cursor& pages, const UnitVersion& at) const;

private:
    std::map<BranchId, std::set<Version>> points_;
};

}  // namespace sojourn::store
