#pragma once

#include <set>

#include "leases/internal/history_state.hpp"

namespace sojourn::leases {

/// Errors: not_found: the journal does not reach back, or not yet, to `position`.
Result<void> expect_reached(const store::Journal& journal, HistoryPosition position);

/// That a file has not been changed since its process noted how it left it. Errors: io, with what
/// differs and the remedy.
Result<void> expect_as_left(const Place& place, const Change& left, const HostStatus& status);

/// One way back through a history. What it does is noted as any other change is, with the record
/// that it undoes: as the compensation records of ARIES (Mohan and others, 1992) do, they say where
/// a later one goes on, so that nothing is undone twice for good.
class Rollback {
public:
    /// Borrows both.
    Rollback(FileHistory::State& history, const ReachOf& reach_of)
        : history_(history), reach_of_(reach_of) {}

    /// As FileHistory::roll_back().
    Result<void> run(HistoryPosition target);

private:
    using Number = HistoryPosition;
    /// Again: an earlier way back has noted what undoing takes, and may not have finished it.
    enum class Attempt : std::uint8_t { first, again };

    Result<void> walk(Number target);
    Result<void> undo(Number number, const Change& change, Attempt attempt = Attempt::first);
    Result<void> note_left_between(std::uint64_t begin, std::uint64_t end);
    Result<void> undo_again(std::uint64_t number);
    Result<void> undo_content(Number number, const Change& change, Attempt attempt);
    Result<void> undo_creation(Number number, const Change& change);
    Result<void> undo_removed_directory(Number number, const Change& change);
    Result<void> undo_move(Number number, const Change& change);

    Result<void> undo_unless_kept(Number number, const Change& change,
                                  Attempt attempt = Attempt::first);
    [[nodiscard]] bool keeps_inodes_of(const HostStatus& status) const;
    [[nodiscard]] bool is_unknown(const Place& place) const;
    Result<void> expect_ours(const Change& change, const HostStatus& status);
    Result<void> note_copy(const std::optional<HostStatus>& status);
    Result<void> expect_copy(const Place& place);
    Result<bool> exists(const Place& place);
    Result<bool> exists_as_moved(const Place& place, const Change& change);

    Result<void> note_what_goes(Number number, const Change& change, int descriptor,
                                const HostStatus& status);
    static Result<void> put_back(const Change& change, int descriptor);
    /// Moves, and notes it. `undoes` 0: it is not all that undoing takes.
    Result<void> move(const Place& from, const Place& to, std::uint64_t undoes);

    FileHistory::State& history_;
    const ReachOf& reach_of_;
    std::set<std::string> passed_over_;  ///< directories with changes that were not undone
    std::map<FileIdentity, Change> left_;
    std::set<FileIdentity> checked_;  ///< is as it was left, or as this way back has made it
    bool before_restart_ = false;     ///< of the host: what is older may not have reached the disk
};

}  // namespace sojourn::leases
