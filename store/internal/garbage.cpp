#include "store/internal/garbage.hpp"

#include <algorithm>

#include "base/trace.hpp"
#include "store/internal/read_points.hpp"
#include "store/internal/unit_table.hpp"
#include "store/internal/written_lists.hpp"

namespace sojourn::store {

namespace {

constexpr TableIndex kSweeps = index_of(FamilyTable::sweeps);

struct Sweep {
    BranchId branch = kNoBranch;
    Version version = kNoVersion;
    SweepRecord record;
};

Result<void> put_sweep(WriteTransaction& transaction, const Sweep& sweep) {
    return transaction.put(kSweeps, make_key(sweep.branch, sweep.version),
                           encode_record(sweep.record));
}

Result<std::optional<Sweep>> first_sweep(const WriteTransaction& transaction) {
    Cursor cursor = transaction.cursor(kSweeps);
    const bool found = TRY(cursor.next());
    if (!found) return std::optional<Sweep>();
    if (cursor.key().size() != make_key(kNoBranch, kNoVersion).size()) {
        return fail(ErrorCode::corrupt, "a sweep has a key of {} bytes", cursor.key().size());
    }
    KeyReader key(cursor.key());
    Sweep sweep;
    sweep.branch = key.get<BranchId>();
    sweep.version = key.get<Version>();
    sweep.record = TRY(decode_record<SweepRecord>(cursor.value(), "a sweep record"));
    return std::optional(sweep);
}

/// Notes the versions in (after, last] of `branch`.
Result<void> note_released(WriteTransaction& transaction, BranchId branch, Version after,
                           Version last) {
    for (const Version version : TRY(listing_versions(transaction, branch, after, last))) {
        if (TRY(is_abandoned(transaction, branch, version))) continue;
        TRY(put_sweep(transaction, {branch, version, {SweepReason::released, 0}}));
    }
    return {};
}

/// Removes the garbage among the units of one list and shortens it to what stays.
Result<void> sweep_list(WriteTransaction& transaction, const ReadPoints& points,
                        const WrittenList& list, std::span<const UnitKey> units,
                        SweepReason reason) {
    const auto at = [&](UnitKey unit) {
        return UnitVersion{list.key.branch, unit, list.key.version};
    };
    std::vector<UnitKey> kept;
    std::vector<UnitKey> garbage;
    {
        Cursor pages = transaction.cursor(index_of(FamilyTable::pages));
        for (const UnitKey& unit : units) {
            const bool stays =
                reason == SweepReason::released && TRY(points.reach(transaction, pages, at(unit)));
            (stays ? kept : garbage).push_back(unit);
        }
    }
    TRY(erase_units(transaction, list.key.branch, list.key.version, garbage));
    return replace_list(transaction, list.key, kept);
}

/// Looks at the next list of a sweep and returns how many units it named.
Result<std::size_t> sweep_step(WriteTransaction& transaction, const ReadPoints& points,
                               Sweep sweep) {
    const auto list =
        TRY(next_list(transaction, {sweep.branch, sweep.version, sweep.record.next_sequence}));
    if (!list || list->key.branch != sweep.branch || list->key.version != sweep.version) {
        TRY(transaction.erase(kSweeps, make_key(sweep.branch, sweep.version)));
        return std::size_t{0};
    }
    const auto units = list->units();
    TRY(sweep_list(transaction, points, *list, units, sweep.record.reason));
    sweep.record.next_sequence = list->key.sequence + 1;
    TRY(put_sweep(transaction, sweep));
    return units.size();
}

}  // namespace

Result<void> abandon_version(WriteTransaction& transaction, BranchId branch, Version version) {
    TRACE(store, "version_abandoned", plain(branch), plain(version));
    TRY(transaction.erase(index_of(FamilyTable::staged), make_key(version)));
    return put_sweep(transaction, {branch, version, {SweepReason::abandoned, 0}});
}

Result<void> abandon_staged(WriteTransaction& transaction, const ProcessRecord& process,
                            Version limit) {
    std::vector<std::pair<BranchId, Version>> stale;
    {
        Cursor cursor = transaction.cursor(index_of(FamilyTable::staged));
        for (bool found = TRY(cursor.next()); found; found = TRY(cursor.next())) {
            const auto version = KeyReader(cursor.key()).get<Version>();
            const auto staged = TRY(decode_record<StagedRecord>(cursor.value(), "a staged record"));
            if (version < limit && staged.process == process.id) {
                stale.emplace_back(staged.branch, version);
            }
        }
    }
    for (const auto& [branch, version] : stale) {
        TRY(abandon_version(transaction, branch, version));
    }
    return {};
}

Result<void> release_point(WriteTransaction& transaction, BranchId branch, Version version) {
    const ReadPoints points = TRY(ReadPoints::of(transaction));
    if (points.contains(branch, version)) return {};
    // What only this point held alive was written behind the point before it.
    return note_released(transaction, branch, points.before(branch, version), version);
}

Result<void> remove_dead_branches(WriteTransaction& transaction, BranchId branch) {
    while (branch != kNoBranch) {
        const ReadPoints points = TRY(ReadPoints::of(transaction));
        const auto processes = TRY(read_processes(transaction));
        const bool occupied = std::ranges::any_of(
            processes, [&](const ProcessRecord& process) { return process.branch == branch; });
        if (occupied || !points.is_empty(branch)) return {};

        const BranchRecord record = TRY(read_branch(transaction, branch));
        TRY(transaction.erase(index_of(FamilyTable::branches), make_key(branch)));
        TRY(note_released(transaction, branch, kNoVersion, Version{UINT64_MAX}));
        TRY(release_point(transaction, record.parent, record.fork));
        branch = record.parent;
    }
    return {};
}

Result<bool> sweep_some(WriteTransaction& transaction, std::size_t units) {
    if (transaction.is_empty(kSweeps)) return false;
    const ReadPoints points = TRY(ReadPoints::of(transaction));
    for (std::size_t seen = 0; seen < units;) {
        const auto sweep = TRY(first_sweep(transaction));
        if (!sweep) return false;
        seen += TRY(sweep_step(transaction, points, *sweep));
    }
    return true;
}

}  // namespace sojourn::store
