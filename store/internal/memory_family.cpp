#include "store/internal/memory_family.hpp"

#include <algorithm>

#include "store/internal/keys.hpp"
#include "store/internal/lineage.hpp"
#include "store/internal/tags.hpp"

namespace sojourn::store {

namespace {

constexpr BranchId kFirstBranch{1};

Error no_checkpoint(Version id) {
    return fail(ErrorCode::not_found, "there is no checkpoint {}", plain(id));
}

}  // namespace

MemoryFamily::MemoryFamily(const ProcessRecord& first) {
    ProcessRecord process = first;
    process.branch = kFirstBranch;
    processes_[process.id] = process;
    branches_[kFirstBranch].owner = process.id;
}

Result<ProcessRecord> MemoryFamily::process(ProcessId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = processes_.find(id);
    if (found == processes_.end()) {
        return fail(ErrorCode::not_found, "there is no process {}", id.hex());
    }
    return found->second;
}

Result<FencingToken> MemoryFamily::acquire(ProcessId id, std::optional<Version> from) {
    const std::lock_guard lock(mutex_);
    const auto found = processes_.find(id);
    if (found == processes_.end()) {
        return fail(ErrorCode::not_found, "there is no process {}", id.hex());
    }
    ProcessRecord& process = found->second;
    if (from && *from != process.head) {
        const auto checkpoint = checkpoints_.find(*from);
        if (checkpoint == checkpoints_.end()) return no_checkpoint(*from);
        process.branch = open_branch(checkpoint->second.info, id);
        process.head = *from;
    }
    drop_staged(id, Version{UINT64_MAX});
    process.epoch = next(process.epoch);
    process.state = ProcessState::running;
    collect_garbage();
    return FencingToken{id, process.epoch};
}

Result<Version> MemoryFamily::reserve(FencingToken token) {
    const std::lock_guard lock(mutex_);
    TRY(fenced(token));
    last_version_ = next(last_version_);
    return last_version_;
}

Result<void> MemoryFamily::stage(FencingToken token, Version version,
                                 std::span<const EncodedUnit> units) {
    const std::lock_guard lock(mutex_);
    const ProcessRecord* process = TRY(fenced(token));
    TRY(expect_unpublished(*process, version));
    auto& staged = staged_[{token.process, version}];
    for (const EncodedUnit& unit : units)
        staged[unit.key] = unit.value;
    return {};
}

Result<void> MemoryFamily::publish(FencingToken token, const Publication& publication) {
    const std::lock_guard lock(mutex_);
    ProcessRecord* process = TRY(fenced(token));
    const Version version = publication.info.id;
    TRY(expect_unpublished(*process, version));
    drop_staged(token.process, version);
    auto units = staged_.extract({token.process, version});
    auto values = units.empty() ? std::map<UnitKey, ByteVector>() : std::move(units.mapped());
    for (const EncodedUnit& unit : publication.units)
        values[unit.key] = unit.value;
    for (auto& [key, value] : values)
        units_[key][process->branch][version] = std::move(value);

    Checkpoint& checkpoint = checkpoints_[version];
    checkpoint.info = publication.info;
    checkpoint.info.parent = process->head;
    checkpoint.info.branch = process->branch;
    checkpoint.info.process = process->id;
    checkpoint.info.durable_us = 0;
    checkpoint.info.tags.clear();
    checkpoint.attachment.assign(publication.attachment.begin(), publication.attachment.end());
    process->head = version;
    process->state = publication.state_after;
    last_version_ = std::max(last_version_, version);
    return {};
}

Result<void> MemoryFamily::abandon(FencingToken token, Version version) {
    const std::lock_guard lock(mutex_);
    TRY(fenced(token));
    if (staged_.erase({token.process, version}) != 0) abandoned_.insert(version);
    return {};
}

Result<void> MemoryFamily::set_state(FencingToken token, ProcessState state,
                                     std::int32_t exit_code) {
    const std::lock_guard lock(mutex_);
    ProcessRecord* process = TRY(fenced(token));
    process->state = state;
    process->exit_code = exit_code;
    return {};
}

Result<void> MemoryFamily::note_durable(Version version, std::uint64_t durable_us) {
    const std::lock_guard lock(mutex_);
    const auto found = checkpoints_.find(version);
    if (found == checkpoints_.end()) return no_checkpoint(version);
    found->second.info.durable_us = durable_us;
    return {};
}

Result<View> MemoryFamily::view_of(ProcessId id) const {
    const ProcessRecord record = TRY(process(id));
    return View{record.branch, record.head};
}

Result<View> MemoryFamily::view_of(Version id) const {
    const auto info = TRY(checkpoint(id));
    return View{info.branch, info.id};
}

Result<UnitState> MemoryFamily::read_unit(View view, UnitKey key, MutableBytes out) const {
    const std::lock_guard lock(mutex_);
    const ByteVector* value = find(view, key);
    if (value == nullptr) return UnitState::absent;
    TRY(decode_unit(key, *value, out));
    return UnitState::present;
}

Result<ByteVector> MemoryFamily::read_attachment(Version checkpoint) const {
    const std::lock_guard lock(mutex_);
    const auto found = checkpoints_.find(checkpoint);
    if (found == checkpoints_.end()) return no_checkpoint(checkpoint);
    return found->second.attachment;
}

Result<CheckpointInfo> MemoryFamily::checkpoint(Version id) const {
    const std::lock_guard lock(mutex_);
    const auto found = checkpoints_.find(id);
    if (found == checkpoints_.end()) return no_checkpoint(id);
    return found->second.info;
}

Result<std::vector<CheckpointInfo>> MemoryFamily::checkpoints(ProcessId id) const {
    TRY(process(id));
    const std::lock_guard lock(mutex_);
    const auto is_ancestor = [&](BranchId branch, const CheckpointInfo& info) {
        Version limit{UINT64_MAX};
        while (branch != kNoBranch && branch != info.branch) {
            limit = std::min(limit, branches_.at(branch).fork);
            branch = branches_.at(branch).parent;
        }
        return branch == info.branch && info.id <= limit;
    };
    std::vector<CheckpointInfo> own;
    for (const auto& [version, checkpoint] : checkpoints_) {
        // One that it has from a removed process may lie beside the way.
        if (checkpoint.info.process == id ||
            std::ranges::any_of(branches_, [&](const auto& branch) {
                return branch.second.owner == id && is_ancestor(branch.first, checkpoint.info);
            })) {
            own.push_back(checkpoint.info);
        }
    }
    name_remaining_parents(own, branches_);
    return own;
}

Result<void> MemoryFamily::for_each_unit(
    View view, const std::function<Result<void>(UnitKey key, Bytes value)>& visit) const {
    std::vector<EncodedUnit> seen;
    {
        const std::lock_guard lock(mutex_);
        if (view.version != kNoVersion && !checkpoints_.contains(view.version)) {
            return no_checkpoint(view.version);
        }
        for (const auto& [key, branches] : units_) {
            if (const ByteVector* value = find(view, key)) seen.push_back({key, *value});
        }
    }
    for (const EncodedUnit& unit : seen)
        TRY(visit(unit.key, unit.value));
    return {};
}

Result<void> MemoryFamily::for_each_difference(
    Version from, Version to,
    const std::function<Result<void>(UnitKey key, Bytes value)>& visit) const {
    const View before = TRY(view_of(from));
    const View after = TRY(view_of(to));
    std::vector<EncodedUnit> different;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [key, branches] : units_) {
            const ByteVector* value = find(after, key);
            if (value == find(before, key)) continue;
            different.push_back(value != nullptr ? EncodedUnit{key, *value} : encode_unit(key, {}));
        }
    }
    for (const EncodedUnit& unit : different)
        TRY(visit(unit.key, unit.value));
    return {};
}

Result<void> MemoryFamily::remove_checkpoint(Version id) {
    const std::lock_guard lock(mutex_);
    return take_out_checkpoint(id);
}

Result<void> MemoryFamily::set_tag(Version id, const std::string& tag, bool moves) {
    const std::lock_guard lock(mutex_);
    TRY(check_tag(tag));
    const auto found = checkpoints_.find(id);
    if (found == checkpoints_.end()) return no_checkpoint(id);
    CheckpointInfo& info = found->second.info;
    for (auto& [other_id, other] : checkpoints_) {
        if (other_id == id || other.info.process != info.process) continue;
        if (!moves && std::ranges::count(other.info.tags, tag) != 0)
            return tag_taken(tag, other_id);
        std::erase(other.info.tags, tag);
    }
    std::erase(info.tags, tag);
    info.tags.push_back(tag);
    std::ranges::sort(info.tags);
    return {};
}

Result<void> MemoryFamily::remove_tag(Version id, const std::string& tag) {
    const std::lock_guard lock(mutex_);
    TRY(check_tag(tag));
    const auto found = checkpoints_.find(id);
    if (found != checkpoints_.end() && std::erase(found->second.info.tags, tag) != 0) return {};
    return no_tag(tag, id);
}

Result<void> MemoryFamily::prune(Version id, std::optional<FencingToken> owner) {
    const std::lock_guard lock(mutex_);
    if (owner) TRY(fenced(*owner));
    const auto found = checkpoints_.find(id);
    if (found != checkpoints_.end() && !found->second.info.tags.empty())
        return tagged_error(id, found->second.info.tags);
    return take_out_checkpoint(id);
}

Result<void> MemoryFamily::take_out_checkpoint(Version id) {
    if (!checkpoints_.contains(id)) return no_checkpoint(id);
    for (const auto& [process_id, process] : processes_) {
        if (process.head != id) continue;
        return fail(ErrorCode::busy, "checkpoint {} is where process {} goes on", plain(id),
                    process.name.empty() ? process_id.hex() : process.name);
    }
    checkpoints_.erase(id);
    collect_garbage();
    return {};
}

Result<void> MemoryFamily::add_members(Version id, std::span<const ProcessRecord> members) {
    const std::lock_guard lock(mutex_);
    const auto checkpoint = checkpoints_.find(id);
    if (checkpoint == checkpoints_.end()) return no_checkpoint(id);
    for (ProcessRecord member : members) {
        member.branch = open_branch(checkpoint->second.info, member.id);
        member.head = id;
        processes_[member.id] = member;
    }
    return {};
}

Result<void> MemoryFamily::remove_member(ProcessId id) {
    const std::lock_guard lock(mutex_);
    TRY(take_out_process(id));
    collect_garbage();
    return {};
}

Result<void> MemoryFamily::take_out_process(ProcessId id) {
    drop_staged(id, Version{UINT64_MAX});
    if (processes_.erase(id) == 0) {
        return fail(ErrorCode::not_found, "there is no process {}", id.hex());
    }
    for (auto& [version, checkpoint] : checkpoints_) {
        if (checkpoint.info.process != id) continue;
        const auto heir = std::ranges::find_if(
            processes_, [&](const auto& entry) { return entry.second.head == version; });
        if (heir != processes_.end()) checkpoint.info.process = heir->first;
    }
    std::erase_if(checkpoints_, [&](const auto& entry) { return entry.second.info.process == id; });
    return {};
}

Result<std::uint64_t> MemoryFamily::bytes_freed_by(const Removal& removal) const {
    MemoryFamily without{ProcessRecord()};
    std::uint64_t before = 0;
    {
        const std::lock_guard lock(mutex_);
        before = value_bytes();
        without.processes_ = processes_;
        without.branches_ = branches_;
        without.checkpoints_ = checkpoints_;
        without.units_ = units_;
        without.last_branch_ = last_branch_;
    }
    if (removal.process) TRY(without.take_out_process(*removal.process));
    for (const Version version : removal.checkpoints) {
        const auto taken = without.take_out_checkpoint(version);
        if (taken.ok()) continue;
        // It may have gone with its process.
        if (!removal.process || taken.error().code != ErrorCode::not_found) return taken.error();
    }
    without.collect_garbage();
    return before - without.value_bytes();
}

std::uint64_t MemoryFamily::value_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& [id, checkpoint] : checkpoints_)
        bytes += checkpoint.attachment.size();
    for (const auto& [key, branches] : units_) {
        for (const auto& [branch, history] : branches) {
            for (const auto& [version, value] : history)
                bytes += value.size();
        }
    }
    return bytes;
}

BranchId MemoryFamily::open_branch(const CheckpointInfo& from, ProcessId owner) {
    last_branch_ = BranchId{static_cast<std::uint32_t>(plain(next(last_branch_)))};
    branches_[last_branch_] = {from.branch, 0, from.id, owner};
    return last_branch_;
}

Result<std::vector<std::string>> MemoryFamily::verify() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> problems;
    for (const auto& [id, process] : processes_) {
        if (process.head != kNoVersion && !checkpoints_.contains(process.head)) {
            problems.push_back(fmt::format("process {} has lost its head", id.hex()));
        }
        if (!branches_.contains(process.branch)) {
            problems.push_back(fmt::format("process {} has lost its branch", id.hex()));
        }
    }
    return problems;
}

Result<ProcessRecord*> MemoryFamily::fenced(FencingToken token) {
    const auto found = processes_.find(token.process);
    if (found == processes_.end()) {
        return fail(ErrorCode::not_found, "there is no process {}", token.process.hex());
    }
    if (found->second.epoch != token.epoch) {
        return fail(ErrorCode::lease_lost,
                    "process {} is in epoch {} and this owner in epoch {}: another one took over",
                    token.process.hex(), plain(found->second.epoch), plain(token.epoch));
    }
    return &found->second;
}

Result<void> MemoryFamily::expect_unpublished(const ProcessRecord& process, Version version) const {
    if (version > process.head && !abandoned_.contains(version) &&
        !checkpoints_.contains(version)) {
        return {};
    }
    return fail(ErrorCode::invalid_argument,
                "version {} is decided already, the head is {}: reserve another", plain(version),
                plain(process.head));
}

void MemoryFamily::drop_staged(ProcessId process, Version limit) {
    std::erase_if(staged_, [&](const auto& entry) {
        const auto& [owner, version] = entry.first;
        const bool stale = owner == process && version < limit;
        if (stale) abandoned_.insert(version);
        return stale;
    });
}

const ByteVector* MemoryFamily::find(View view, UnitKey key) const {
    const auto head = branches_.find(view.branch);
    if (head == branches_.end()) return nullptr;
    const auto staged = staged_.find({head->second.owner, view.version});
    if (staged != staged_.end()) {
        if (const auto ahead = staged->second.find(key); ahead != staged->second.end()) {
            return &ahead->second;
        }
    }
    const auto unit = units_.find(key);
    if (unit == units_.end()) return nullptr;
    while (view.branch != kNoBranch) {
        if (const auto history = unit->second.find(view.branch); history != unit->second.end()) {
            const auto behind = history->second.upper_bound(view.version);
            if (behind != history->second.begin()) return &std::prev(behind)->second;
        }
        const BranchRecord& branch = branches_.at(view.branch);
        view = {branch.parent, std::min(view.version, branch.fork)};
    }
    return nullptr;
}

std::map<BranchId, std::set<Version>> MemoryFamily::read_points() const {
    std::map<BranchId, std::set<Version>> points;
    for (const auto& [version, checkpoint] : checkpoints_) {
        points[checkpoint.info.branch].insert(version);
    }
    for (const auto& [id, branch] : branches_)
        points[branch.parent].insert(branch.fork);
    return points;
}

bool MemoryFamily::is_branch_in_use(BranchId branch) const {
    return read_points().contains(branch) ||
           std::ranges::any_of(processes_,
                               [&](const auto& entry) { return entry.second.branch == branch; });
}

void MemoryFamily::collect_garbage() {
    // A child has a higher number than its parent: from the top, chains go in one pass.
    for (BranchId id = last_branch_; id != kNoBranch;
         id = BranchId{static_cast<std::uint32_t>(plain(id) - 1)}) {
        if (branches_.contains(id) && !is_branch_in_use(id)) branches_.erase(id);
    }
    const auto points = read_points();
    for (auto& [key, branches] : units_) {
        for (auto& [branch, history] : branches) {
            const auto on_branch = points.find(branch);
            for (auto value = history.begin(); value != history.end();) {
                const auto following = std::next(value);
                const bool read = on_branch != points.end() &&
                                  on_branch->second.lower_bound(value->first) !=
                                      (following == history.end()
                                           ? on_branch->second.end()
                                           : on_branch->second.lower_bound(following->first));
                value = read ? following : history.erase(value);
            }
        }
        std::erase_if(branches, [](const auto& entry) { return entry.second.empty(); });
    }
    std::erase_if(units_, [](const auto& entry) { return entry.second.empty(); });
}

}  // namespace sojourn::store
