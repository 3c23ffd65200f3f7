#include "store/internal/garbage.hpp"

#include <algorithm>
#include <set>

#include "base/trace.hpp"
#include "store/internal/unit_table.hpp"

namespace sojourn::store {

namespace {

constexpr TableIndex kWritten = index_of(FamilyTable::written);
constexpr TableIndex kSweeps = index_of(FamilyTable::sweeps);
constexpr std::uint32_t kUnitsPerList = 1024;  ///< bounds one step of a sweep

using Sequence = std::uint32_t;

struct WrittenKey {
    BranchId branch;
    Version version;
    Sequence sequence;
};

auto key_of(const WrittenKey& key) {
    return make_key(key.branch, key.version, key.sequence);
}

Result<WrittenKey> parse_written_key(Bytes key) {
    if (key.size() != sizeof(BranchId) + sizeof(Version) + sizeof(Sequence)) {
        return fail(ErrorCode::corrupt, "a list of written units has a key of {} bytes",
                    key.size());
    }
    KeyReader reader(key);
    WrittenKey written{};
    written.branch = reader.get<BranchId>();
    written.version = reader.get<Version>();
    written.sequence = reader.get<Sequence>();
    return written;
}

/// Where each branch is read: its checkpoints, and the forks of the branches that left it.
using ReadPoints = std::map<BranchId, std::set<Version>>;

Result<ReadPoints> read_points(const Transaction& transaction) {
    ReadPoints points;
    for (const CheckpointInfo& checkpoint : TRY(read_checkpoints(transaction))) {
        points[checkpoint.branch].insert(checkpoint.id);
    }
    for (const NumberedBranch& branch : TRY(read_branches(transaction))) {
        points[branch.record.parent].insert(branch.record.fork);
    }
    return points;
}

std::vector<UnitRun> runs_of(std::span<const UnitKey> units) {
    std::vector<UnitRun> runs;
    for (const UnitKey& unit : units) {
        if (!runs.empty()) {
            UnitRun& last = runs.back();
            if (last.region == unit.region && plain(last.first) + last.count == plain(unit.unit)) {
                ++last.count;
                continue;
            }
        }
        runs.push_back({unit.region, 1, unit.unit});
    }
    return runs;
}

Result<void> put_sweep(WriteTransaction& transaction, BranchId branch, Version version,
                       const SweepRecord& sweep) {
    return transaction.put(kSweeps, make_key(branch, version), encode_record(sweep));
}

/// Notes the versions in (after, last] of `branch` that still list units.
Result<void> note_released(WriteTransaction& transaction, BranchId branch, Version after,
                           Version last) {
    std::vector<Version> versions;
    {
        Cursor cursor = transaction.cursor(kWritten);
        Version wanted = next(after);
        while (TRY(cursor.seek(key_of(WrittenKey{branch, wanted, 0})))) {
            const WrittenKey written = TRY(parse_written_key(cursor.key()));
            if (written.branch != branch || written.version > last) break;
            versions.push_back(written.version);
            wanted = next(written.version);
        }
    }
    for (const Version version : versions) {
        if (TRY(is_abandoned(transaction, branch, version))) continue;
        TRY(put_sweep(transaction, branch, version, {SweepReason::released, 0}));
    }
    return {};
}

/// What only `version` of `branch` held alive may lie between the point before it and itself.
Result<void> release(WriteTransaction& transaction, const ReadPoints& points, BranchId branch,
                     Version version) {
    Version before = kNoVersion;
    if (const auto on_branch = points.find(branch); on_branch != points.end()) {
        if (on_branch->second.contains(version)) return {};
        const auto behind = on_branch->second.lower_bound(version);
        if (behind != on_branch->second.begin()) before = *std::prev(behind);
    }
    return note_released(transaction, branch, before, version);
}

Result<bool> is_read(const WriteTransaction& transaction, Cursor& pages, const ReadPoints& points,
                     const UnitVersion& at) {
    const auto on_branch = points.find(at.branch);
    if (on_branch == points.end()) return false;
    const auto first = on_branch->second.lower_bound(at.version);
    if (first == on_branch->second.end()) return false;
    const auto next_at = TRY(next_version(transaction, pages, at));
    return !next_at || *first < *next_at;
}

/// Removes the garbage of one list and returns the units that stay.
Result<std::vector<UnitKey>> sweep_list(WriteTransaction& transaction, const ReadPoints& points,
                                        const WrittenKey& list, SweepReason reason,
                                        std::span<const UnitRun> runs) {
    std::vector<UnitKey> kept;
    std::vector<UnitKey> garbage;
    {
        Cursor pages = transaction.cursor(index_of(FamilyTable::pages));
        for (const UnitRun& run : runs) {
            for (std::uint32_t offset = 0; offset < run.count; ++offset) {
                const UnitKey unit{run.region, static_cast<UnitIndex>(plain(run.first) + offset)};
                const bool read =
                    reason == SweepReason::released &&
                    TRY(is_read(transaction, pages, points, {list.branch, unit, list.version}));
                (read ? kept : garbage).push_back(unit);
            }
        }
    }
    for (const UnitKey& unit : garbage) {
        TRY(erase_unit(transaction, {list.branch, unit, list.version}));
    }
    return kept;
}

struct Sweep {
    BranchId branch;
    Version version;
    SweepRecord record;
};

Result<std::optional<Sweep>> first_sweep(const WriteTransaction& transaction) {
    Cursor cursor = transaction.cursor(kSweeps);
    if (!TRY(cursor.next())) return std::optional<Sweep>();
    if (cursor.key().size() != sizeof(BranchId) + sizeof(Version)) {
        return fail(ErrorCode::corrupt, "a sweep has a key of {} bytes", cursor.key().size());
    }
    KeyReader key(cursor.key());
    Sweep sweep{};
    sweep.branch = key.get<BranchId>();
    sweep.version = key.get<Version>();
    sweep.record = TRY(decode_record<SweepRecord>(cursor.value(), "a sweep record"));
    return std::optional(sweep);
}

struct List {
    WrittenKey key;
    std::vector<UnitRun> runs;
};

Result<std::optional<List>> next_list(const WriteTransaction& transaction, const Sweep& sweep) {
    Cursor cursor = transaction.cursor(kWritten);
    const bool found = TRY(
        cursor.seek(key_of(WrittenKey{sweep.branch, sweep.version, sweep.record.next_sequence})));
    if (!found) return std::optional<List>();
    List list{};
    list.key = TRY(parse_written_key(cursor.key()));
    if (list.key.branch != sweep.branch || list.key.version != sweep.version) {
        return std::optional<List>();
    }
    list.runs = TRY(decode_runs(cursor.value()));
    return std::optional(std::move(list));
}

/// Looks at the next list of a sweep and returns how many units it named.
Result<std::size_t> sweep_step(WriteTransaction& transaction, const ReadPoints& points,
                               const Sweep& sweep) {
    const auto list = TRY(next_list(transaction, sweep));
    if (!list) {
        TRY(transaction.erase(kSweeps, make_key(sweep.branch, sweep.version)));
        return std::size_t{0};
    }
    const auto kept =
        TRY(sweep_list(transaction, points, list->key, sweep.record.reason, list->runs));
    if (kept.empty()) {
        TRY(transaction.erase(kWritten, key_of(list->key)));
    } else {
        TRY(transaction.put(kWritten, key_of(list->key), encode_runs(runs_of(kept))));
    }
    TRY(put_sweep(transaction, sweep.branch, sweep.version,
                  {sweep.record.reason, list->key.sequence + 1}));
    std::size_t units = 0;
    for (const UnitRun& run : list->runs)
        units += run.count;
    return units;
}

}  // namespace

Result<void> note_written(WriteTransaction& transaction, BranchId branch, Version version,
                          std::span<const UnitKey> units) {
    Sequence sequence = 0;
    {
        Cursor cursor = transaction.cursor(kWritten);
        if (TRY(cursor.seek_before(key_of(WrittenKey{branch, next(version), 0})))) {
            const WrittenKey last = TRY(parse_written_key(cursor.key()));
            if (last.branch == branch && last.version == version) sequence = last.sequence + 1;
        }
    }
    while (!units.empty()) {
        const auto part = units.first(std::min<std::size_t>(units.size(), kUnitsPerList));
        TRY(transaction.put(kWritten, key_of(WrittenKey{branch, version, sequence++}),
                            encode_runs(runs_of(part))));
        units = units.subspan(part.size());
    }
    return {};
}

Result<void> abandon_version(WriteTransaction& transaction, BranchId branch, Version version) {
    TRACE(store, "version_abandoned", plain(branch), plain(version));
    TRY(transaction.erase(index_of(FamilyTable::staged), make_key(version)));
    return put_sweep(transaction, branch, version, {SweepReason::abandoned, 0});
}

Result<void> release_point(WriteTransaction& transaction, BranchId branch, Version version) {
    return release(transaction, TRY(read_points(transaction)), branch, version);
}

Result<void> remove_dead_branches(WriteTransaction& transaction, BranchId branch) {
    while (branch != kNoBranch) {
        const ReadPoints points = TRY(read_points(transaction));
        if (points.contains(branch)) return {};
        for (const ProcessRecord& process : TRY(read_processes(transaction))) {
            if (process.branch == branch) return {};
        }
        const BranchRecord record = TRY(read_branch(transaction, branch));
        TRY(transaction.erase(index_of(FamilyTable::branches), make_key(branch)));
        TRY(note_released(transaction, branch, kNoVersion, Version{UINT64_MAX}));
        const ReadPoints points_left = TRY(read_points(transaction));
        TRY(release(transaction, points_left, record.parent, record.fork));
        branch = record.parent;
    }
    return {};
}

Result<bool> sweep_some(WriteTransaction& transaction, std::size_t units_max) {
    if (transaction.is_empty(kSweeps)) return false;
    const ReadPoints points = TRY(read_points(transaction));
    std::size_t units = 0;
    while (units < units_max) {
        const auto sweep = TRY(first_sweep(transaction));
        if (!sweep) return false;
        units += TRY(sweep_step(transaction, points, *sweep));
    }
    return true;
}

}  // namespace sojourn::store
