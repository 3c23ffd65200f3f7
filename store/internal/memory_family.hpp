#pragma once

#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "store/family.hpp"
#include "store/internal/records.hpp"

namespace sojourn::store {

/// A family in memory: the twin of LmdbFamily, as plain as can be. Garbage is found by looking at
/// everything.
class MemoryFamily final : public Family {
public:
    explicit MemoryFamily(const ProcessRecord& first);

    Result<ProcessRecord> process(ProcessId id) const override;
    Result<FencingToken> acquire(ProcessId id, std::optional<Version> from) override;
    Result<Version> reserve(FencingToken token) override;
    Result<void> stage(FencingToken token, Version version,
                       std::span<const EncodedUnit> units) override;
    Result<void> publish(FencingToken token, const Publication& publication) override;
    Result<void> abandon(FencingToken token, Version version) override;
    Result<void> set_state(FencingToken token, ProcessState state, std::int32_t exit_code) override;
    Result<void> note_durable(Version version, std::uint64_t durable_us) override;
    Result<View> view_of(ProcessId id) const override;
    Result<View> view_of(Version checkpoint) const override;
    Result<UnitState> read_unit(View view, UnitKey key, MutableBytes out) const override;
    Result<ByteVector> read_attachment(Version checkpoint) const override;
    Result<CheckpointInfo> checkpoint(Version id) const override;
    Result<std::vector<CheckpointInfo>> checkpoints(ProcessId id) const override;
    Result<void> for_each_unit(
        View view,
        const std::function<Result<void>(UnitKey key, Bytes value)>& visit) const override;
    Result<void> set_tag(Version checkpoint, const std::string& tag, bool moves) override;
    Result<void> remove_tag(Version checkpoint, const std::string& tag) override;
    Result<void> remove_checkpoint(Version id) override;
    Result<void> prune(Version id, std::optional<FencingToken> owner) override;
    Result<std::uint64_t> bytes_freed_by(const Removal& removal) const override;
    Result<std::vector<std::string>> verify() const override;

    Result<void> add_members(Version checkpoint, std::span<const ProcessRecord> members);
    Result<void> remove_member(ProcessId id);
    /// As the function of this name (store/difference.hpp).
    Result<void> for_each_difference(
        Version from, Version to,
        const std::function<Result<void>(UnitKey key, Bytes value)>& visit) const;

private:
    struct Checkpoint {
        CheckpointInfo info;
        ByteVector attachment;
    };
    using History = std::map<Version, ByteVector>;  ///< of one unit on one branch
    using Units = std::map<UnitKey, std::map<BranchId, History>>;
    /// Staged by a process under a version that is not published.
    using Staged = std::map<std::pair<ProcessId, Version>, std::map<UnitKey, ByteVector>>;

    // All of these require mutex_ to be held.
    Result<ProcessRecord*> fenced(FencingToken token);
    Result<void> expect_unpublished(const ProcessRecord& process, Version version) const;
    void drop_staged(ProcessId process, Version limit);
    const ByteVector* find(View view, UnitKey key) const;
    std::map<BranchId, std::set<Version>> read_points() const;
    bool is_branch_in_use(BranchId branch) const;
    Result<void> take_out_checkpoint(Version id);
    Result<void> take_out_process(ProcessId id);
    std::uint64_t value_bytes() const;
    BranchId open_branch(const CheckpointInfo& from, ProcessId owner);
    void collect_garbage();

    mutable std::mutex mutex_;
    std::map<ProcessId, ProcessRecord> processes_;
    std::map<BranchId, BranchRecord> branches_;
    std::map<Version, Checkpoint> checkpoints_;
    Units units_;
    Staged staged_;
    std::set<Version> abandoned_;
    Version last_version_ = kNoVersion;
    BranchId last_branch_{1};
};

}  // namespace sojourn::store
