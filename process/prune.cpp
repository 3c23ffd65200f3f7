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

Result<std::vector<store::Version>> plan_pruning(store::Store& store,
                                                 const store::ProcessRecord& process,
                                                 const RetentionPolicy& policy) {
    const auto family = TRY(store.family(process.family));
    auto checkpoints = TRY(family->checkpoints(process.id));
    // Those that it grew from are another process's.
    std::erase_if(checkpoints, [&](const auto& info) { return info.process != process.id; });
    const auto heads = TRY(heads_of(store, process.family));
    auto planned = superseded(policy, checkpoints, process.head);
    std::erase_if(planned, [&](store::Version id) { return heads.contains(id); });
    return planned;
}

Result<std::uint64_t> prune(store::Store& store, const store::ProcessRecord& process,
                            std::span<const store::Version> planned,
                            const std::function<Result<void>(store::Version)>& on_removed) {
    const auto family = TRY(store.family(process.family));
    std::uint64_t freed_bytes = 0;
    for (const store::Version checkpoint : planned) {
        const auto gain = family->bytes_freed_by({.checkpoints = {checkpoint}});
        const auto removed = gain.ok() ? family->prune(checkpoint, std::nullopt) : gain.error();
        if (removed.ok()) {
            freed_bytes += *gain;
            TRY(on_removed(checkpoint));
            continue;
        }
        const bool is_fine =
            removed.error().code == ErrorCode::busy || removed.error().code == ErrorCode::not_found;
        if (!is_fine) return removed.error();
    }
    // A runner that lives looks after its files itself.
    const auto lock = RunnerLock::acquire(store.run_directory(), process.id);
    if (lock.ok()) TRY(drop_old_file_history(store, process));
    if (!lock.ok() && lock.error().code != ErrorCode::busy) return lock.error();
    return freed_bytes;
}

}  // namespace sojourn::process
