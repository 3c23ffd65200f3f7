#include "store/internal/lmdb_family.hpp"

#include <algorithm>

#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "store/internal/branches.hpp"
#include "store/internal/garbage.hpp"
#include "store/internal/lineage.hpp"
#include "store/internal/tags.hpp"
#include "store/internal/unit_table.hpp"
#include "store/internal/written_lists.hpp"

namespace sojourn::store {

namespace {

constexpr TableIndex kStaged = index_of(FamilyTable::staged);

constexpr std::size_t kSweepUnitsAlong = 256;    ///< removed on the way by a publish
constexpr std::size_t kSweepUnitsAtOnce = 8192;  ///< a transaction that does nothing else

std::filesystem::path notes_file(const std::filesystem::path& directory) {
    return directory / "notes";
}

/// The token's process. Errors: lease_lost when another incarnation has taken over.
Result<ProcessRecord> fenced_process(const Transaction& transaction, FencingToken token) {
    auto process = TRY(read_process(transaction, token.process));
    if (process.epoch != token.epoch) {
        return fail(ErrorCode::lease_lost,
                    "process {} is in epoch {} and this owner in epoch {}: another one took over",
                    process.id.hex(), plain(process.epoch), plain(token.epoch));
    }
    return process;
}

/// Versions only grow along a branch, and a version is decided once.
Result<void> expect_unpublished(const Transaction& transaction, const ProcessRecord& process,
                                Version version) {
    if (version > process.head && !TRY(is_abandoned(transaction, process.branch, version)) &&
        !TRY(transaction.get(kCheckpoints, make_key(version)))) {
        return {};
    }
    return fail(ErrorCode::invalid_argument,
                "version {} is decided already, the head is {}: reserve another", plain(version),
                plain(process.head));
}

/// Values go in by key: neighbours share database pages.
std::vector<const EncodedUnit*> in_key_order(std::span<const EncodedUnit> units) {
    std::vector<const EncodedUnit*> sorted;
    sorted.reserve(units.size());
    for (const EncodedUnit& unit : units)
        sorted.push_back(&unit);
    std::ranges::sort(sorted, {}, [](const EncodedUnit* unit) { return unit->key; });
    return sorted;
}

Result<void> put_units(WriteTransaction& transaction, BranchId branch, Version version,
                       std::span<const EncodedUnit* const> units) {
    std::vector<UnitKey> keys;
    keys.reserve(units.size());
    for (const EncodedUnit* unit : units) {
        TRY(put_unit(transaction, {branch, unit->key, version}, unit->value));
        keys.push_back(unit->key);
    }
    return note_written(transaction, branch, version, keys);
}

/// No later number may be given out again, even when the notes are lost.
Result<void> raise_last_version(WriteTransaction& transaction, Version version) {
    FamilyRecord family = TRY(read_family_record(transaction));
    if (version <= family.last_version) return {};
    family.last_version = version;
    return write_family_record(transaction, family);
}

Result<void> found_family(WriteTransaction& transaction, const ProcessRecord& first,
                          std::size_t unit_bytes) {
    FamilyRecord family;
    family.format = kFamilyFormat;
    family.unit_bytes = static_cast<std::uint32_t>(unit_bytes);
    TRY(write_family_record(transaction, family));
    BranchRecord root;
    root.owner = first.id;
    ProcessRecord process = first;
    process.branch = TRY(open_branch(transaction, root));
    return write_process(transaction, process);
}

Result<Epoch> take_over(WriteTransaction& transaction, ProcessId id, std::optional<Version> from) {
    ProcessRecord process = TRY(read_process(transaction, id));
    TRY(abandon_staged(transaction, process, Version{UINT64_MAX}));
    process.epoch = next(process.epoch);
    process.state = ProcessState::running;
    const BranchId old_branch = process.branch;
    if (from && *from != process.head) {
        const CheckpointInfo checkpoint = TRY(read_checkpoint(transaction, *from));
        TRY(leave_at(transaction, process, checkpoint));
    }
    TRY(write_process(transaction, process));
    if (process.branch != old_branch) TRY(remove_dead_branches(transaction, old_branch));
    return process.epoch;
}

Result<void> put_checkpoint(WriteTransaction& transaction, ProcessRecord process,
                            const Publication& publication, Bytes attachment) {
    CheckpointInfo info = publication.info;
    info.parent = process.head;
    info.branch = process.branch;
    info.process = process.id;
    TRY(transaction.put(kCheckpoints, make_key(info.id), encode_checkpoint(info)));
    TRY(transaction.put(kAttachments, make_key(info.id), attachment));
    process.head = info.id;
    process.state = publication.state_after;
    TRY(write_process(transaction, process));
    return raise_last_version(transaction, info.id);
}

Result<void> publish_units(WriteTransaction& transaction, FencingToken token,
                           const Publication& publication,
                           std::span<const EncodedUnit* const> units, Bytes attachment) {
    const Version version = publication.info.id;
    const ProcessRecord process = TRY(fenced_process(transaction, token));
    TRY(expect_unpublished(transaction, process, version));
    TRY(abandon_staged(transaction, process, version));
    TRY(transaction.erase(kStaged, make_key(version)));
    TRY(put_units(transaction, process.branch, version, units));
    TRY(put_checkpoint(transaction, process, publication, attachment));
    TRY(sweep_some(transaction, kSweepUnitsAlong));
    FAULT_POINT(store_publish_before_commit);
    return {};
}

Result<void> take_out_checkpoint(WriteTransaction& transaction, Version id) {
    const CheckpointInfo info = TRY(read_checkpoint(transaction, id));
    for (const ProcessRecord& process : TRY(read_processes(transaction))) {
        if (process.head == id) {
            return fail(ErrorCode::busy,
                        "checkpoint {} is where process {} goes on: remove the process, or "
                        "checkpoint it again first",
                        plain(id), process.name.empty() ? process.id.hex() : process.name);
        }
    }
    TRY(transaction.erase(kCheckpoints, make_key(id)));
    TRY(transaction.erase(kAttachments, make_key(id)));
    TRY(erase_tags_of(transaction, id));
    TRY(release_point(transaction, info.branch, id));
    return remove_dead_branches(transaction, info.branch);
}

}  // namespace

Result<std::shared_ptr<LmdbFamily>> LmdbFamily::create(const std::filesystem::path& directory,
                                                       const ProcessRecord& first,
                                                       std::size_t unit_bytes, bool sync) {
    auto environment = TRY(Environment::open(directory, family_environment_options(true, sync)));
    TRY(environment->write([&](WriteTransaction& transaction) {
        return found_family(transaction, first, unit_bytes);
    }));
    auto notes = TRY(Notes::open(notes_file(directory)));
    return std::shared_ptr<LmdbFamily>(new LmdbFamily(std::move(environment), std::move(notes)));
}

Result<std::shared_ptr<LmdbFamily>> LmdbFamily::open(const std::filesystem::path& directory,
                                                     bool sync) {
    auto environment = TRY(Environment::open(directory, family_environment_options(false, sync)));
    {
        const auto transaction = TRY(environment->read());
        TRY(read_family_record(transaction));
    }
    auto notes = TRY(Notes::open(notes_file(directory)));
    return std::shared_ptr<LmdbFamily>(new LmdbFamily(std::move(environment), std::move(notes)));
}

Result<ProcessRecord> LmdbFamily::process(ProcessId id) const {
    const auto transaction = TRY(environment_->read());
    return read_process(transaction, id);
}

Result<FencingToken> LmdbFamily::acquire(ProcessId id, std::optional<Version> from) {
    FencingToken token{id, Epoch{0}};
    const auto taken = environment_->write([&](WriteTransaction& transaction) -> Result<void> {
        token.epoch = TRY(take_over(transaction, id, from));
        return {};
    });
    if (!taken.ok()) return taken.error();
    TRACE(store, "acquired", id.hex(), plain(token.epoch));
    return token;
}

Result<Version> LmdbFamily::reserve(FencingToken token) {
    const auto transaction = TRY(environment_->read());
    TRY(fenced_process(transaction, token));
    const auto family = TRY(read_family_record(transaction));
    return notes_.next_version(family.last_version);
}

Result<void> LmdbFamily::stage(FencingToken token, Version version,
                               std::span<const EncodedUnit> units) {
    const auto sorted = in_key_order(units);
    return environment_->write([&](WriteTransaction& transaction) -> Result<void> {
        const ProcessRecord process = TRY(fenced_process(transaction, token));
        TRY(expect_unpublished(transaction, process, version));
        StagedRecord staged;
        staged.process = process.id;
        staged.branch = process.branch;
        TRY(transaction.put(kStaged, make_key(version), encode_record(staged)));
        TRY(raise_last_version(transaction, version));
        return put_units(transaction, process.branch, version, sorted);
    });
}

Result<void> LmdbFamily::publish(FencingToken token, const Publication& publication) {
    const Version version = publication.info.id;
    const auto sorted = in_key_order(publication.units);
    const ByteVector attachment = encode_blob(publication.attachment);
    TRY(environment_->write([&](WriteTransaction& transaction) {
        return publish_units(transaction, token, publication, sorted, attachment);
    }));
    FAULT_POINT(store_publish_after_commit);
    TRACE(store, "published", token.process.hex(), plain(version), sorted.size());
    return {};
}

Result<void> LmdbFamily::abandon(FencingToken token, Version version) {
    {
        const auto transaction = TRY(environment_->read());
        TRY(fenced_process(transaction, token));
        // A version of which nothing was staged has left no trace.
        if (!TRY(transaction.get(kStaged, make_key(version)))) return {};
    }
    return environment_->write([&](WriteTransaction& transaction) -> Result<void> {
        const ProcessRecord process = TRY(fenced_process(transaction, token));
        TRY(expect_unpublished(transaction, process, version));
        TRY(abandon_version(transaction, process.branch, version));
        TRY(sweep_some(transaction, kSweepUnitsAtOnce));
        return {};
    });
}

Result<void> LmdbFamily::set_state(FencingToken token, ProcessState state, std::int32_t exit_code) {
    return environment_->write([&](WriteTransaction& transaction) -> Result<void> {
        ProcessRecord process = TRY(fenced_process(transaction, token));
        process.state = state;
        process.exit_code = exit_code;
        return write_process(transaction, process);
    });
}

Result<void> LmdbFamily::note_durable(Version version, std::uint64_t durable_us) {
    TRY(checkpoint(version));
    return notes_.set_durable_us(version, durable_us);
}

Result<View> LmdbFamily::view_of(ProcessId id) const {
    const auto transaction = TRY(environment_->read());
    const ProcessRecord record = TRY(read_process(transaction, id));
    const View view{record.branch, record.head};
    TRY(watch(transaction, view));
    return view;
}

/// What a runner reads from now on is compared with an index of where it began. What it publishes
/// itself later is newer than that.
Result<void> LmdbFamily::watch(const Transaction& transaction, View view) const {
    const std::lock_guard lock(watched_mutex_);
    const ViewIndex* known = watching_.load();
    if (known != nullptr && known->covers(view)) return {};
    watched_.push_back(std::make_unique<const ViewIndex>(TRY(ViewIndex::of(transaction, view))));
    watching_.store(watched_.back().get());
    return {};
}

Result<View> LmdbFamily::view_of(Version checkpoint) const {
    const auto transaction = TRY(environment_->read());
    const auto info = TRY(read_checkpoint(transaction, checkpoint));
    return View{info.branch, info.id};
}

Result<UnitState> LmdbFamily::read_unit(View view, UnitKey key, MutableBytes out) const {
    const auto transaction = TRY(environment_->read());
    Cursor cursor = transaction.hot_cursor();
    const auto stored = TRY(find_unit(transaction, cursor, view, key));
    if (const ViewIndex* index = watching_.load(); index != nullptr && index->covers(view)) {
        TRY(index->expect(key, place_of(stored)));
    }
    if (!stored) return UnitState::absent;
    const Bytes value = TRY(stored->joined(transaction.scratch()));
    TRY(decode_unit(key, value, out));
    return UnitState::present;
}

Result<ByteVector> LmdbFamily::read_attachment(Version checkpoint) const {
    const auto transaction = TRY(environment_->read());
    const auto value = TRY(transaction.get(kAttachments, make_key(checkpoint)));
    if (!value) return fail(ErrorCode::not_found, "there is no checkpoint {}", plain(checkpoint));
    return decode_blob(*value, fmt::format("the state of checkpoint {}", plain(checkpoint)));
}

Result<CheckpointInfo> LmdbFamily::checkpoint(Version id) const {
    const auto transaction = TRY(environment_->read());
    auto info = TRY(read_checkpoint(transaction, id));
    info.durable_us = notes_.durable_us(id);
    info.tags = TRY(tags_of(transaction, id));
    return info;
}

Result<std::vector<CheckpointInfo>> LmdbFamily::checkpoints(ProcessId id) const {
    const auto transaction = TRY(environment_->read());
    const ProcessRecord process = TRY(read_process(transaction, id));
    const auto branches = TRY(branches_by_id(transaction));
    const auto reach = TRY(history_of(branches, id));
    if (!reach.contains(process.branch)) {
        return fail(ErrorCode::corrupt, "branch {} of process {} is another one's; {}",
                    plain(process.branch), id.hex(), kDamageRemedy);
    }
    std::vector<CheckpointInfo> own;
    for (CheckpointInfo& info : TRY(read_checkpoints(transaction))) {
        const auto entry = reach.find(info.branch);
        const bool is_on_way = entry != reach.end() && info.id <= entry->second;
        // One that it has from a removed process may lie beside the way.
        if (!is_on_way && info.process != id) continue;
        info.durable_us = notes_.durable_us(info.id);
        own.push_back(std::move(info));
    }
    name_remaining_parents(own, branches);
    TRY(read_tags(transaction, own));
    return own;
}

Result<void> LmdbFamily::set_tag(Version checkpoint, const std::string& tag, bool moves) {
    return environment_->write([&](WriteTransaction& transaction) {
        return put_tag(transaction, checkpoint, tag, moves);
    });
}

Result<void> LmdbFamily::remove_tag(Version checkpoint, const std::string& tag) {
    return environment_->write(
        [&](WriteTransaction& transaction) { return erase_tag(transaction, checkpoint, tag); });
}

Result<void> LmdbFamily::remove_checkpoint(Version id) {
    TRY(environment_->write(
        [&](WriteTransaction& transaction) { return take_out_checkpoint(transaction, id); }));
    return sweep();
}

Result<void> LmdbFamily::prune(Version id, std::optional<FencingToken> owner) {
    const auto removed = environment_->write([&](WriteTransaction& transaction) -> Result<void> {
        if (owner) TRY(fenced_process(transaction, *owner));
        const auto tags = TRY(tags_of(transaction, id));
        if (!tags.empty()) return tagged_error(id, tags);
        return take_out_checkpoint(transaction, id);
    });
    return removed.ok() ? sweep() : removed;
}

Result<void> LmdbFamily::sweep() {
    bool more = true;
    while (more) {
        const auto swept = environment_->write([&](WriteTransaction& transaction) -> Result<void> {
            more = TRY(sweep_some(transaction, kSweepUnitsAtOnce));
            return {};
        });
        if (!swept.ok()) return swept.error();
    }
    return {};
}

}  // namespace sojourn::store
