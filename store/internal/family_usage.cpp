#include "store/internal/family_usage.hpp"

#include <algorithm>
#include <set>

#include "store/internal/branches.hpp"
#include "store/internal/unit_table.hpp"

namespace sojourn::store {

namespace {

/// What reads a branch at one version, and on behalf of which processes.
struct Point {
    std::set<ProcessId> holders;
    Version checkpoint = kNoVersion;  ///< one that reads there
};
using Points = std::map<Version, Point>;

/// Values of one branch that are read by the same points, [first, end) of them.
struct Readers {
    BranchId branch{0};
    std::size_t first = 0;
    std::size_t end = 0;

    auto operator<=>(const Readers&) const = default;
};

class FamilyMeasure {
public:
    explicit FamilyMeasure(const Transaction& transaction) : transaction_(&transaction) {}

    Result<void> read_records();
    Result<void> read_values();
    Result<void> read_attachments();
    FamilyUsage sum(const FindContentsOf& find_contents);

private:
    struct Value {
        UnitVersion at;
        std::uint64_t bytes = 0;
    };

    void add(const Value& value, std::optional<Version> replaced_at);
    std::uint64_t& total_of(UnitContent content);
    void give(const std::set<ProcessId>& holders, std::uint64_t bytes);

    const Transaction* transaction_;
    std::vector<CheckpointInfo> checkpoints_;
    std::map<BranchId, Points> points_;
    std::map<Version, std::set<ProcessId>> holders_;  ///< of checkpoints
    std::map<BranchId, std::vector<Version>> versions_;
    std::map<Readers, std::map<RegionId, std::uint64_t>> bytes_;
    FamilyUsage usage_;
};

/// A process holds its checkpoints, the one it stands at, and each place where the past of those
/// left a branch: what is read from there does not go before it does.
Result<void> FamilyMeasure::read_records() {
    checkpoints_ = TRY(read_checkpoints(*transaction_));
    const auto branches = TRY(branches_by_id(*transaction_));
    std::map<BranchId, Version> on_or_above;  // a checkpoint of each branch, or of one above it
    for (const CheckpointInfo& info : checkpoints_) {
        holders_[info.id].insert(info.process);
        on_or_above[info.branch] = info.id;
    }
    for (auto branch = branches.rbegin(); branch != branches.rend(); ++branch) {
        if (on_or_above.contains(branch->first))
            on_or_above.emplace(branch->second.parent, on_or_above[branch->first]);
    }
    std::map<BranchId, std::set<ProcessId>> through;  // who reads what a branch grew from
    for (const ProcessRecord& process : TRY(read_processes(*transaction_))) {
        usage_.processes[process.id].id = process.id;
        if (process.head != kNoVersion) holders_[process.head].insert(process.id);
        through[process.branch].insert(process.id);
    }
    for (const CheckpointInfo& info : checkpoints_)
        through[info.branch].insert(holders_[info.id].begin(), holders_[info.id].end());
    // A child has a higher number than its parent.
    for (auto branch = branches.rbegin(); branch != branches.rend(); ++branch) {
        const BranchRecord& record = branch->second;
        if (record.parent == kNoBranch) continue;
        const auto& holders = through[branch->first];
        Point& fork = points_[record.parent][record.fork];
        fork.holders.insert(holders.begin(), holders.end());
        fork.checkpoint = on_or_above[branch->first];
        through[record.parent].insert(holders.begin(), holders.end());
    }
    for (const CheckpointInfo& info : checkpoints_) {
        Point& point = points_[info.branch][info.id];
        point.holders.insert(holders_[info.id].begin(), holders_[info.id].end());
        point.checkpoint = info.id;
        for (const ProcessId& holder : holders_[info.id])
            ++usage_.processes[holder].checkpoints;
    }
    for (const auto& [branch, points] : points_) {
        for (const auto& [version, point] : points)
            versions_[branch].push_back(version);
    }
    return {};
}

void FamilyMeasure::add(const Value& value, std::optional<Version> replaced_at) {
    const auto& versions = versions_[value.at.branch];
    const auto index_of = [&](Version version) {
        return static_cast<std::size_t>(std::ranges::lower_bound(versions, version) -
                                        versions.begin());
    };
    Readers readers{value.at.branch, index_of(value.at.version), versions.size()};
    if (replaced_at) readers.end = index_of(*replaced_at);
    bytes_[readers][value.at.unit.region] += value.bytes;
}

Result<void> FamilyMeasure::read_values() {
    std::optional<Value> open;
    const auto close = [&](const UnitVersion* next) {
        if (!open) return;
        const bool is_replaced =
            next != nullptr && next->branch == open->at.branch && next->unit == open->at.unit;
        add(*open, is_replaced ? std::optional(next->version) : std::nullopt);
    };
    Cursor cursor = transaction_->cursor(index_of(FamilyTable::pages));
    for (bool found = TRY(cursor.next()); found; found = TRY(cursor.next())) {
        const UnitVersion at = TRY(parse_unit_key(cursor.key()));
        const bool is_tail = cursor.key().size() != kUnitVersionKeyBytes;
        if (is_tail && open && open->at == at) {
            open->bytes += cursor.value().size();
        } else if (TRY(is_abandoned(*transaction_, at.branch, at.version))) {
            usage_.pending += cursor.value().size();
        } else {
            close(&at);
            open = Value{at, cursor.value().size()};
        }
    }
    close(nullptr);
    return {};
}

void FamilyMeasure::give(const std::set<ProcessId>& holders, std::uint64_t bytes) {
    for (const ProcessId& holder : holders) {
        ProcessUsage& process = usage_.processes[holder];
        (holders.size() == 1 ? process.alone_bytes : process.shared_bytes) += bytes;
    }
}

Result<void> FamilyMeasure::read_attachments() {
    Cursor cursor = transaction_->cursor(index_of(FamilyTable::attachments));
    for (bool found = TRY(cursor.next()); found; found = TRY(cursor.next())) {
        usage_.machine_states += cursor.value().size();
        if (cursor.key().size() != sizeof(Version)) continue;
        give(holders_[KeyReader(cursor.key()).get<Version>()], cursor.value().size());
    }
    return {};
}

std::uint64_t& FamilyMeasure::total_of(UnitContent content) {
    if (content == UnitContent::volume) return usage_.volumes;
    return content == UnitContent::memory ? usage_.memory : usage_.machine_states;
}

FamilyUsage FamilyMeasure::sum(const FindContentsOf& find_contents) {
    std::map<Version, std::map<RegionId, UnitContent>> contents;
    for (const auto& [readers, regions] : bytes_) {
        std::set<ProcessId> holders;
        Version checkpoint = kNoVersion;
        for (std::size_t index = readers.first; index < readers.end; ++index) {
            const Point& point = points_[readers.branch][versions_[readers.branch][index]];
            holders.insert(point.holders.begin(), point.holders.end());
            if (checkpoint == kNoVersion) checkpoint = point.checkpoint;
        }
        if (checkpoint != kNoVersion && !contents.contains(checkpoint))
            contents[checkpoint] = find_contents(checkpoint);
        for (const auto& [region, bytes] : regions) {
            give(holders, bytes);
            const auto content = contents[checkpoint].try_emplace(region, UnitContent::memory);
            (holders.empty() ? usage_.pending : total_of(content.first->second)) += bytes;
        }
    }
    return std::move(usage_);
}

}  // namespace

Result<FamilyUsage> measure_family(const Environment& environment,
                                   const FindContentsOf& find_contents) {
    std::optional<FamilyMeasure> measure;
    {
        const auto transaction = TRY(environment.read());
        measure.emplace(transaction);
        TRY(measure->read_records());
        TRY(measure->read_values());
        TRY(measure->read_attachments());
    }
    return measure->sum(find_contents);
}

}  // namespace sojourn::store
