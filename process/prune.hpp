#pragma once

#include <functional>

#include "process/retention.hpp"
#include "store/store.hpp"

/// Removing the checkpoints of a process by a rule, while it runs or not.
namespace sojourn::process {

/// What `policy` does not keep of a process's own checkpoints, oldest first: none that any process
/// stands at, nor one with a tag or a message.
Result<std::vector<store::Version>> plan_pruning(store::Store& store,
                                                 const store::ProcessRecord& process,
                                                 const RetentionPolicy& policy);

/// Removes what was planned, but for what has got a tag or a process meanwhile, and what of the
/// history of files nobody can go back to any more. Calls `on_removed` with each that has gone. How
/// many bytes of the store's values that has freed, with those that somebody else removed
/// meanwhile.
Result<std::uint64_t> prune(store::Store& store, const store::ProcessRecord& process,
                            std::span<const store::Version> planned,
                            const std::function<Result<void>(store::Version)>& on_removed);

}  // namespace sojourn::process
