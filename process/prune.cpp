#include "process/prune.hpp"

#include <algorithm>
#include <set>

#include "process/file_moments.hpp"
#include "process/runner_lock.hpp"

namespace sojourn::process {

namespace {

/// Where the processes of a family stand.
Result<std::set<store::Version>> heads_of(const store::Store& store, store::FamilyId family) {
    std::set<store::Version> heads;
    for (const store::ProcessRecord& process : TRY(store.processes())) {
        if (process.family == family) heads.insert(process.head);
    }
    return heads;
}

}  // namespace

Result<Pruning> plan_pruning(store::Store& store, const store::ProcessRecord& process,
                             const RetentionPolicy& policy) {
    const auto family = TRY(store.family(process.family));
    auto checkpoints = TRY(family->checkpoints(process.id));
    // Those that it grew from are another process's.
    std::erase_if(checkpoints, [&](const auto& info) { return info.process != process.id; });
    const auto heads = TRY(heads_of(store, process.family));
    Pruning pruning;
    pruning.checkpoints = superseded(policy, checkpoints, process.head);
    std::erase_if(pruning.checkpoints, [&](store::Version id) { return heads.contains(id); });
    pruning.freed_bytes = TRY(family->bytes_freed_by({.checkpoints = pruning.checkpoints}));
    return pruning;
}

Result<void> prune(store::Store& store, const store::ProcessRecord& process, const Pruning& pruning,
                   const std::function<Result<void>(store::Version)>& on_removed) {
    const auto family = TRY(store.family(process.family));
    for (const store::Version checkpoint : pruning.checkpoints) {
        const auto removed = family->prune(checkpoint, std::nullopt);
        if (removed.ok()) {
            TRY(on_removed(checkpoint));
            continue;
        }
        const bool is_fine =
            removed.error().code == ErrorCode::busy || removed.error().code == ErrorCode::not_found;
        if (!is_fine) return removed;
    }
    // A runner that lives looks after its files itself.
    const auto lock = RunnerLock::acquire(store.run_directory(), process.id);
    if (!lock.ok()) return lock.error().code == ErrorCode::busy ? Result<void>() : lock.error();
    return drop_old_file_history(store, process);
}

}  // namespace sojourn::process
