#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/types.hpp"

namespace sojourn::process {

/// One line of a drawn history.
struct GraphRow {
    std::string lines;  ///< `| * `, or `|/` where a branch comes back to the one it left
    const store::CheckpointInfo* checkpoint = nullptr;  ///< null: lines alone
};

/// The tree of a process's checkpoints as `git log --graph` would draw it: the newest on top, the
/// past of `head` in the first column, each branch in a column of its own down to where it left.
/// A parent that is not among `checkpoints` counts as none; each beginning is a tree of its own,
/// with an empty row between two. Borrows `checkpoints`, which are sorted by id.
std::vector<GraphRow> draw_history(std::span<const store::CheckpointInfo> checkpoints,
                                   store::Version head);

}  // namespace sojourn::process
