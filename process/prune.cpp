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

/// Removes checkpoints, in groups: adding up what one would free takes as long as for many.
class Pruning {
public:
    Pruning(store::Family& family, const std::function<Result<void>(store::Version)>& on_removed)
        : family_(family), on_removed_(on_removed) {}

    Result<void> remove(std::span<const store::Version> planned) {
        // The first name is wanted at once.
        for (std::size_t count = 1; !planned.empty(); count = std::min(count * 2, kTogetherMax)) {
            const auto group = planned.first(std::min(count, planned.size()));
            TRY(remove_together(group));
            planned = planned.subspan(group.size());
        }
        return {};
    }

    [[nodiscard]] std::uint64_t freed_bytes() const { return freed_bytes_; }

private:
    static constexpr std::size_t kTogetherMax = 16;

    /// Somebody was faster, or has a reason to keep it by now.
    static bool is_fine(const Error& error) {
        return error.code == ErrorCode::busy || error.code == ErrorCode::not_found;
    }

    Result<void> remove_together(std::span<const store::Version> group) {
        const auto gain = family_.bytes_freed_by({.checkpoints = {group.begin(), group.end()}});
        if (!gain.ok()) return is_fine(gain.error()) ? remove_rest_of(group) : gain.error();
        std::vector<store::Version> kept;
        for (const store::Version checkpoint : group) {
            const auto removed = family_.prune(checkpoint, std::nullopt);
            if (!removed.ok() && !is_fine(removed.error())) return removed.error();
            if (removed.ok()) TRY(on_removed_(checkpoint));
            if (!removed.ok() && removed.error().code == ErrorCode::busy)
                kept.push_back(checkpoint);
        }
        const auto to_gain = family_.bytes_freed_by({.checkpoints = kept});
        freed_bytes_ += *gain - std::min(*gain, to_gain.ok() ? *to_gain : 0);
        return {};
    }

    /// One of `group` stays.
    Result<void> remove_rest_of(std::span<const store::Version> group) {
        if (group.size() == 1) return {};
        for (std::size_t index = 0; index < group.size(); ++index)
            TRY(remove_together(group.subspan(index, 1)));
        return {};
    }

    store::Family& family_;
    const std::function<Result<void>(store::Version)>& on_removed_;
    std::uint64_t freed_bytes_ = 0;
};

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
    Pruning pruning(*family, on_removed);
    TRY(pruning.remove(planned));
    // A runner that lives looks after its files itself.
    const auto lock = RunnerLock::acquire(store.run_directory(), process.id);
    if (lock.ok()) TRY(drop_old_file_history(store, process));
    if (!lock.ok() && lock.error().code != ErrorCode::busy) return lock.error();
    return pruning.freed_bytes();
}

}  // namespace sojourn::process
