#pragma once

#include "store/family.hpp"
#include "store/internal/environment.hpp"
#include "store/internal/family_usage.hpp"
#include "store/internal/family_verifier.hpp"
#include "store/internal/notes.hpp"
#include "store/internal/view_index.hpp"

namespace sojourn::store {

/// A family in an LMDB environment of its own (docs/formats/store.md).
class LmdbFamily final : public Family {
public:
    /// Makes the environment in the empty directory `directory`, with one process and its first
    /// branch. Durable when it returns, save for the directory's own entry in its parent.
    static Result<std::shared_ptr<LmdbFamily>> create(const std::filesystem::path& directory,
                                                      const ProcessRecord& first,
                                                      std::size_t unit_bytes, bool sync);
    /// Errors: not_found, corrupt, unsupported_format, permission_denied, io.
    static Result<std::shared_ptr<LmdbFamily>> open(const std::filesystem::path& directory,
                                                    bool sync);

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

    /// New processes that stand at a checkpoint; those that are members already stay as they are.
    Result<void> add_members(Version checkpoint, std::span<const ProcessRecord> members);
    /// Removes a process with its checkpoints; one that another process stands at becomes that
    /// process's. Errors: not_found.
    Result<void> remove_member(ProcessId id);
    Result<std::vector<ProcessId>> members() const;
    /// As verify(), with as many threads as `crew` has to spare; in the same order whoever helps.
    /// `progress` is called by several of them at once.
    Result<std::vector<std::string>> verify_together(WorkCrew& crew,
                                                     const BytesSeen& progress) const;
    [[nodiscard]] const Environment& environment() const { return *environment_; }
    Result<FamilyUsage> usage(const FindContentsOf& find_contents) const;
    /// Those of which two views do not see one and the same value, in key order, by the lists of
    /// what the versions wrote. Errors: not_found, corrupt.
    Result<std::vector<UnitKey>> differing_units(View left, View right) const;
    /// As the function of this name (store/difference.hpp).
    Result<void> for_each_difference(
        Version from, Version to,
        const std::function<Result<void>(UnitKey key, Bytes value)>& visit) const;

private:
    LmdbFamily(std::shared_ptr<Environment> environment, Notes notes)
        : environment_(std::move(environment)), notes_(std::move(notes)) {}

    Result<void> sweep();
    Result<void> watch(const Transaction& transaction, View view) const;

    std::shared_ptr<Environment> environment_;
    mutable Notes notes_;
    mutable std::mutex watched_mutex_;                               ///< of those who add to it
    mutable std::vector<std::unique_ptr<const ViewIndex>> watched_;  ///< readers may use any
    mutable std::atomic<const ViewIndex*> watching_ = nullptr;
};

}  // namespace sojourn::store
