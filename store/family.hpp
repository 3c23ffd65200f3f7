#pragma once

#include <functional>
#include <memory>
#include <span>

#include "store/types.hpp"
#include "store/unit_codec.hpp"

namespace sojourn::store {

/// What becomes one version, all of it or nothing.
struct Publication {
    CheckpointInfo info;  ///< `id` from reserve(); `parent`, `branch` and `process` are filled in
    std::span<const EncodedUnit> units;  ///< what was not staged before; may be all
    Bytes attachment;                    ///< machine state and leases, opaque here
    ProcessState state_after = ProcessState::running;
};

/// What somebody thinks of removing: checkpoints, and all that is a process's own.
struct Removal {
    std::vector<Version> checkpoints;
    std::optional<ProcessId> process = {};
};

/// The pages, checkpoints and epochs of one process and everything branched from it: one LMDB
/// environment, so that the fence and the commit are one transaction.
///
/// **Versions form a tree.** A branch records its parent and where it left it. Reading (branch,
/// version) finds the newest value of a unit at or before `version` on that branch, else goes on
/// in the parent at the fork. Publishing appends to a branch; taking over at an older checkpoint
/// opens a branch. Every checkpoint stays readable in full until remove_checkpoint().
///
/// Usable from any thread; a writing call may wait for another writer. What was published when a
/// call returns is durable (LmdbFamily) unless the store was opened otherwise.
class Family {
public:
    virtual ~Family() = default;

    virtual Result<ProcessRecord> process(ProcessId id) const = 0;

    /// Makes the caller the one who may act for `id`: a new epoch; what an earlier owner had staged
    /// and not published will never be seen. With `from`, the next version grows out of that
    /// checkpoint: on a new branch unless it is the head. Sets the state to `running`.
    /// Errors: not_found (no such process or checkpoint).
    virtual Result<FencingToken> acquire(ProcessId id, std::optional<Version> from) = 0;

    /// A number for the next checkpoint of the token's process. Errors: lease_lost.
    virtual Result<Version> reserve(FencingToken token) = 0;

    /// Writes units of a reserved version ahead, unseen until publish(). Sorted by key, each once;
    /// one that was staged before is what it is now.
    /// Errors: lease_lost, store_full, io; then nothing of this call is kept.
    virtual Result<void> stage(FencingToken token, Version version,
                               std::span<const EncodedUnit> units) = 0;

    /// Checks the epoch, writes the rest and makes the version the head, in one transaction.
    /// Errors: as stage().
    virtual Result<void> publish(FencingToken token, const Publication& publication) = 0;

    /// Forgets a reserved version that will not be published.
    virtual Result<void> abandon(FencingToken token, Version version) = 0;

    /// Records how a process ended or stopped. Errors: lease_lost.
    virtual Result<void> set_state(FencingToken token, ProcessState state,
                                   std::int32_t exit_code) = 0;

    /// How long the checkpoint took to become durable, known only afterwards. Not synced.
    virtual Result<void> note_durable(Version version, std::uint64_t durable_us) = 0;

    /// Where the process's next version will grow from; reading starts here.
    virtual Result<View> view_of(ProcessId id) const = 0;
    virtual Result<View> view_of(Version checkpoint) const = 0;

    /// Fills `out`, one unit, as `view` sees it; a view of a version that the branch's owner has
    /// reserved sees what was staged of it. Async-signal-safe in this sense: called in the
    /// fault handler of a thread that is not inside the store or the allocator.
    /// Errors: corrupt (names the unit), io.
    virtual Result<UnitState> read_unit(View view, UnitKey key, MutableBytes out) const = 0;

    /// The attachment of a checkpoint, verified. Errors: not_found, corrupt.
    virtual Result<ByteVector> read_attachment(Version checkpoint) const = 0;

    virtual Result<CheckpointInfo> checkpoint(Version id) const = 0;
    /// The checkpoints of one process by id: those of its own branches and of the ancestors they
    /// grew from. Where a parent was removed, the nearest one before it that is left is named.
    virtual Result<std::vector<CheckpointInfo>> checkpoints(ProcessId id) const = 0;

    /// Calls `visit` with each unit that `view` sees, encoded, in key order; it stops at the first
    /// error `visit` returns.
    virtual Result<void> for_each_unit(
        View view, const std::function<Result<void>(UnitKey key, Bytes value)>& visit) const = 0;

    /// Gives a checkpoint a tag, which no other checkpoint of the same process has. With `moves` it
    /// is taken from the one that has it. Errors: not_found, invalid_argument, already_exists.
    virtual Result<void> set_tag(Version checkpoint, const std::string& tag, bool moves) = 0;
    /// Errors: not_found.
    virtual Result<void> remove_tag(Version checkpoint, const std::string& tag) = 0;

    /// Removes one checkpoint with its tags, and what no other checkpoint, branch or head reads.
    /// Errors: not_found; busy when it is the head of a process.
    virtual Result<void> remove_checkpoint(Version id) = 0;
    /// The same by a rule, to which a tag is a reason to stay (busy). By an owner, for as long as
    /// it is one. Errors: as well lease_lost.
    virtual Result<void> prune(Version id, std::optional<FencingToken> owner) = 0;

    /// How many bytes of values nobody would read any more, changing nothing. Errors: not_found;
    /// busy for a checkpoint that a process stands at which is not removed itself.
    virtual Result<std::uint64_t> bytes_freed_by(const Removal& removal) const = 0;

    /// Reads every value of the family and reports what does not hold, one sentence each.
    virtual Result<std::vector<std::string>> verify() const = 0;
};

}  // namespace sojourn::store
