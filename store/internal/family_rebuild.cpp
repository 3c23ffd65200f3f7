#include "store/internal/family_rebuild.hpp"

#include <algorithm>

#include "store/internal/branches.hpp"
#include "store/internal/lineage.hpp"
#include "store/internal/tags.hpp"
#include "store/internal/view_index.hpp"
#include "store/internal/written_lists.hpp"

namespace sojourn::store {

namespace {

constexpr std::size_t kRebuiltBatchBytes = std::size_t{4} << 20U;
constexpr Version kUnknownVersion{UINT64_MAX};

/// Whether one of the lost keys may be of something that a view of `branch` up to `last` sees.
bool may_have_lost(const LostKeys& lost, BranchId branch, Version last) {
    const auto first_key = make_key(branch, kNoVersion);
    // Behind every key of `last`, which have a number of four bytes behind them at most.
    const auto last_key = make_key(branch, last, UINT32_MAX, std::uint8_t{UINT8_MAX});
    const auto is_less = [](Bytes left, Bytes right) {
        return std::ranges::lexicographical_compare(left, right);
    };
    if (is_less(last_key, lost.first)) return false;
    return !lost.end || !is_less(*lost.end, first_key);
}

struct DamagedUnit {
    UnitKey key;
    ViewIndex::Place place;
    std::string why;
};

class FamilyRebuild {
public:
    FamilyRebuild(const SalvagedFamily& family, const ReadTransaction& from,
                  const KnownProcesses& known, Environment& into)
        : family_(family), from_(from), known_(known), into_(into) {}

    Result<RebuiltFamily> run() {
        branches_ = TRY(branches_by_id(from_));
        record_ = TRY(read_family_record(from_));
        TRY(find_damaged_units());
        TRY(judge_checkpoints());
        TRY(place_processes());
        drop_unused_branches();
        TRY(write_records());
        for (const CheckpointInfo& info : good_)
            TRY(write_checkpoint(info));
        rebuilt_.checkpoints = good_.size();
        return std::move(rebuilt_);
    }

private:
    Result<void> find_damaged_units();
    Result<void> check_list(const WrittenList& list, ByteVector& unit);
    Result<void> judge_checkpoints();
    Result<void> judge(const CheckpointInfo& info) const;
    Result<void> expect_whole_way(const CheckpointInfo& info) const;
    Result<std::vector<ProcessRecord>> known_processes() const;
    Result<void> place_processes();
    Result<void> place(ProcessRecord process);
    [[nodiscard]] const CheckpointInfo* newest_of(const ProcessRecord& process) const;
    [[nodiscard]] bool has_whole_way(BranchId branch) const;
    void drop_unused_branches();
    Result<void> write_records();
    Result<void> write_checkpoint(const CheckpointInfo& info);
    Result<void> write_units(const CheckpointInfo& info, const std::vector<ViewIndex::Run>& runs);
    Result<EncodedUnit> read_unit(UnitKey key, const ViewIndex::Place& place) const;
    Result<void> stage(const CheckpointInfo& info, std::vector<EncodedUnit>& units);

    const SalvagedFamily& family_;
    const ReadTransaction& from_;
    const KnownProcesses& known_;
    Environment& into_;
    FamilyRecord record_;
    Branches branches_;
    std::vector<DamagedUnit> damaged_;
    std::vector<CheckpointInfo> good_;    ///< by id; as they were
    std::map<Version, Version> parents_;  ///< the nearest good one on the way of a good one
    RebuiltFamily rebuilt_;
};

Result<EncodedUnit> FamilyRebuild::read_unit(UnitKey key, const ViewIndex::Place& place) const {
    Cursor cursor = from_.hot_cursor();
    const auto stored = TRY(find_on_branch(from_, cursor, place.branch, key, place.version));
    if (!stored || stored->at.version != place.version) {
        return fail(ErrorCode::corrupt, "unit {} of region {} in version {} is missing",
                    plain(key.unit), plain(key.region), plain(place.version));
    }
    const Bytes value = TRY(stored->joined(from_.scratch()));
    return EncodedUnit{key, ByteVector(value.begin(), value.end())};
}

Result<void> FamilyRebuild::check_list(const WrittenList& list, ByteVector& unit) {
    const ViewIndex::Place place{list.key.branch, list.key.version};
    for (const UnitKey& key : list.units()) {
        const auto stored = read_unit(key, place);
        const auto decoded =
            stored.ok() ? decode_unit(key, stored->value, unit) : Result<void>(stored.error());
        if (decoded.ok()) continue;
        if (decoded.error().code != ErrorCode::corrupt) return decoded;
        damaged_.push_back({key, place, decoded.error().message});
    }
    return {};
}

/// Reads everything that a version lists, once.
Result<void> FamilyRebuild::find_damaged_units() {
    ByteVector unit(record_.unit_bytes);
    for (ListKey from;;) {
        const auto list = TRY(next_list(from_, from));
        if (!list) return {};
        const bool is_given_up = TRY(is_abandoned(from_, list->key.branch, list->key.version));
        if (!is_given_up) TRY(check_list(*list, unit));
        from = list->key;
        ++from.sequence;
    }
}

/// That nothing is lost of what tells which values the checkpoint sees.
Result<void> FamilyRebuild::expect_whole_way(const CheckpointInfo& info) const {
    Version last = info.id;
    for (BranchId branch = info.branch; branch != kNoBranch;) {
        for (const LostKeys& lost : family_.lost) {
            const bool tells_what_is_seen = lost.table == "written" || lost.table == "sweeps";
            if (tells_what_is_seen && may_have_lost(lost, branch, last)) {
                return fail(ErrorCode::corrupt, "what it consists of was lost");
            }
        }
        const auto record = branches_.find(branch);
        if (record == branches_.end() || record->second.parent >= branch) {
            return fail(ErrorCode::corrupt, "branch {} was lost", plain(branch));
        }
        last = std::min(last, record->second.fork);
        branch = record->second.parent;
    }
    return {};
}

Result<void> FamilyRebuild::judge(const CheckpointInfo& info) const {
    TRY(expect_whole_way(info));
    const auto state = TRY(from_.get(index_of(FamilyTable::attachments), make_key(info.id)));
    if (!state) return fail(ErrorCode::corrupt, "its machine state was lost");
    const ViewIndex index = TRY(ViewIndex::of(from_, {info.branch, info.id}));
    for (const DamagedUnit& unit : damaged_) {
        if (index.find(unit.key) == unit.place) return fail(ErrorCode::corrupt, "{}", unit.why);
    }
    return {};
}

Result<void> FamilyRebuild::judge_checkpoints() {
    for (const CheckpointInfo& info : TRY(read_checkpoints(from_))) {
        const auto judged = judge(info);
        if (judged.ok()) {
            good_.push_back(info);
        } else if (judged.error().code == ErrorCode::corrupt) {
            rebuilt_.lost.push_back({info.process, info.id, judged.error().message});
        } else {
            return judged;
        }
    }
    std::vector<CheckpointInfo> left = good_;
    name_remaining_parents(left, branches_);
    for (const CheckpointInfo& info : left)
        parents_[info.id] = info.parent;
    return {};
}

bool FamilyRebuild::has_whole_way(BranchId branch) const {
    while (branch != kNoBranch) {
        const auto record = branches_.find(branch);
        if (record == branches_.end() || record->second.parent >= branch) return false;
        branch = record->second.parent;
    }
    return true;
}

/// The processes whose records are there, and those that only checkpoints or the catalogue know.
Result<std::vector<ProcessRecord>> FamilyRebuild::known_processes() const {
    auto processes = TRY(read_processes(from_));
    if (known_.is_complete) {
        std::erase_if(processes, [&](const ProcessRecord& process) {
            return !known_.names.contains(process.id);
        });
    }
    std::set<ProcessId> without_record;
    for (const CheckpointInfo& info : good_)
        without_record.insert(info.process);
    for (const auto& [id, name] : known_.names)
        without_record.insert(id);
    for (const ProcessRecord& process : processes)
        without_record.erase(process.id);
    for (const ProcessId& id : without_record) {
        ProcessRecord process;
        process.id = id;
        process.family = known_.family;
        process.head = kUnknownVersion;
        process.state = ProcessState::suspended;
        const auto name = known_.names.find(id);
        if (name != known_.names.end()) process.name = name->second;
        processes.push_back(std::move(process));
    }
    return processes;
}

/// Of its own; of its past where it has none.
const CheckpointInfo* FamilyRebuild::newest_of(const ProcessRecord& process) const {
    const auto reach = history_of(branches_, process.id);
    const CheckpointInfo* past = nullptr;
    for (auto info = good_.rbegin(); info != good_.rend(); ++info) {
        if (info->process == process.id) return &*info;
        if (past != nullptr || !reach.ok()) continue;
        const auto branch = reach->find(info->branch);
        if (branch != reach->end() && info->id <= branch->second) past = &*info;
    }
    return past;
}

Result<void> FamilyRebuild::place(ProcessRecord process) {
    const bool has_its_branch = has_whole_way(process.branch) &&
                                branches_.contains(process.branch) &&
                                branches_.at(process.branch).owner == process.id;
    const auto head = std::ranges::find(good_, process.head, &CheckpointInfo::id);
    const bool stands_well = process.head == kNoVersion || head != good_.end();
    if (!has_its_branch || !stands_well) {
        const CheckpointInfo* newest =
            stands_well && head != good_.end() ? &*head : newest_of(process);
        if (newest == nullptr) {
            rebuilt_.gone.push_back(process.id);
            return {};
        }
        if (process.head != newest->id) rebuilt_.set_back.push_back(process.id);
        BranchRecord branch;
        branch.parent = newest->branch;
        branch.fork = newest->id;
        branch.owner = process.id;
        record_.last_branch =
            BranchId{static_cast<std::uint32_t>(plain(next(record_.last_branch)))};
        branches_[record_.last_branch] = branch;
        process.branch = record_.last_branch;
        process.head = newest->id;
        process.state = ProcessState::suspended;
    }
    rebuilt_.processes.push_back(std::move(process));
    return {};
}

Result<void> FamilyRebuild::place_processes() {
    for (ProcessRecord& process : TRY(known_processes()))
        TRY(place(std::move(process)));
    return {};
}

/// A child has a higher number than its parent.
void FamilyRebuild::drop_unused_branches() {
    std::set<BranchId> used;
    for (const CheckpointInfo& info : good_)
        used.insert(info.branch);
    for (const ProcessRecord& process : rebuilt_.processes)
        used.insert(process.branch);
    for (auto branch = branches_.end(); branch != branches_.begin();) {
        --branch;
        if (used.contains(branch->first)) {
            used.insert(branch->second.parent);
        } else {
            branch = branches_.erase(branch);
        }
    }
}

Result<void> FamilyRebuild::write_records() {
    return into_.write([&](WriteTransaction& transaction) -> Result<void> {
        TRY(write_family_record(transaction, record_));
        for (const auto& [id, branch] : branches_)
            TRY(transaction.put(index_of(FamilyTable::branches), make_key(id),
                                encode_record(branch)));
        for (const ProcessRecord& process : rebuilt_.processes)
            TRY(write_process(transaction, process));
        return {};
    });
}

Result<void> FamilyRebuild::stage(const CheckpointInfo& info, std::vector<EncodedUnit>& units) {
    std::vector<UnitKey> keys;
    for (const EncodedUnit& unit : units)
        keys.push_back(unit.key);
    const auto written = into_.write([&](WriteTransaction& transaction) -> Result<void> {
        for (const EncodedUnit& unit : units)
            TRY(put_unit(transaction, {info.branch, unit.key, info.id}, unit.value));
        return note_written(transaction, info.branch, info.id, keys);
    });
    if (!written.ok()) return written;
    units.clear();
    return {};
}

Result<void> FamilyRebuild::write_units(const CheckpointInfo& info,
                                        const std::vector<ViewIndex::Run>& runs) {
    std::vector<EncodedUnit> units;
    std::size_t bytes = 0;
    for (const ViewIndex::Run& run : runs) {
        for (std::uint64_t offset = 0; offset < run.count; ++offset) {
            units.push_back(TRY(read_unit({run.region, UnitIndex{run.first + offset}}, run.place)));
            bytes += units.back().value.size();
            if (bytes < kRebuiltBatchBytes) continue;
            TRY(stage(info, units));
            bytes = 0;
        }
    }
    return stage(info, units);
}

/// What the checkpoint sees otherwise than the nearest before it: all of that once it is there.
Result<void> FamilyRebuild::write_checkpoint(const CheckpointInfo& info) {
    const ViewIndex index = TRY(ViewIndex::of(from_, {info.branch, info.id}));
    const Version parent = parents_.at(info.id);
    const auto before = std::ranges::find(good_, parent, &CheckpointInfo::id);
    const View from = before == good_.end() ? View{} : View{before->branch, before->id};
    const ViewIndex known = TRY(ViewIndex::of(from_, from));
    TRY(write_units(info, index.differences_from(known)));
    const auto state = TRY(from_.get(index_of(FamilyTable::attachments), make_key(info.id)));
    INVARIANT(state.has_value(), "a checkpoint that was judged good has its state");
    const std::vector<std::string> tags = TRY(tags_of(from_, info.id));
    return into_.write([&](WriteTransaction& transaction) -> Result<void> {
        TRY(transaction.put(index_of(FamilyTable::checkpoints), make_key(info.id),
                            encode_checkpoint(info)));
        TRY(transaction.put(index_of(FamilyTable::attachments), make_key(info.id), *state));
        for (const std::string& tag : tags)
            TRY(put_tag(transaction, info.id, tag, /*moves=*/true));
        return {};
    });
}

}  // namespace

Result<RebuiltFamily> rebuild_family(const SalvagedFamily& family, const KnownProcesses& known,
                                     Environment& into) {
    const auto transaction = TRY(family.entries->read());
    return FamilyRebuild(family, transaction, known, into).run();
}

}  // namespace sojourn::store
