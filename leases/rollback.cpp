#include "leases/internal/rollback.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "leases/internal/beneath.hpp"

namespace sojourn::leases {

namespace {

constexpr std::uint64_t kPieceBytes = kBlockBytes * kBlocksMax;
constexpr std::string_view kRollbackRemedy =
    "vm resume --on-resume keep goes on with the files as they are now";

Error refusal(const Place& place, std::string_view what) {
    return fail(ErrorCode::io, "{} {}, so it can't be made what the checkpoint saw; {}",
                place.description(), what, kRollbackRemedy);
}

/// The directory that holds the last component of a place, which is not in the attic.
struct OpenSpot {
    UniqueFd directory;
    std::string name;

    [[nodiscard]] std::optional<HostStatus> status() const {
        return host_status_of(directory.get(), name);
    }
};

Result<OpenSpot> open_spot_of(const Place& place) {
    const UniqueFd root = TRY(open_place({.grant = place.grant, .path = {}}, O_PATH | O_DIRECTORY));
    auto at = open_parent_beneath(root.get(), place.path);
    if (!at.ok()) return refusal(place, "has lost its directory");
    return OpenSpot{std::move(at->parent), std::move(at->name)};
}

Result<HostStatus> status_of(const Place& place, int descriptor) {
    if (const auto status = host_status_of(descriptor)) return *status;
    return fail_errno(errno, "cannot stat {}", place.description());
}

bool is_synced(const Place& place) {
    return place.on_resume == OnResume::rollback_synced;
}

}  // namespace

Result<void> expect_reached(const store::Journal& journal, HistoryPosition position) {
    if (position >= journal.first() && position <= journal.end()) return {};
    return fail(ErrorCode::not_found,
                "what this process did to its files since the checkpoint is not known; {}",
                kRollbackRemedy);
}

Result<void> expect_as_left(const Place& place, const Change& left, const HostStatus& status) {
    // Then both what was before the change and what came of it are this process's.
    if (left.is_uncertain) return {};
    if (left.length != status.length) {
        return refusal(place, fmt::format("has {} bytes, and this process left it with {}: "
                                          "somebody else has changed it",
                                          status.length, left.length));
    }
    if (!place.is_log() && left.modified_ns < status.modified_ns)
        return refusal(place, "was changed by somebody else after this process left it");
    return {};
}

Result<void> Rollback::run(Number target) {
    const Number start = history_.journal->end();
    TRY(expect_reached(*history_.journal, target));
    history_.is_recording = true;
    TRY(history_.settle_all());
    auto walked = walk(target);
    if (!walked.ok() && history_.journal->end() != start) {
        before_restart_ = false;
        const auto returned = walk(start);
        if (!returned.ok())
            walked = fail(ErrorCode::io, "{}; some files have been taken back already ({})",
                          walked.error().message, returned.error().message);
    }
    if (!walked.ok() && walked.error().code == ErrorCode::corrupt)
        walked = fail(ErrorCode::corrupt, "{}; {}", walked.error().message, kRollbackRemedy);
    if (walked.ok()) TRY(history_.break_with_past(passed_over_));
    history_.begin_interval();
    TRY(history_.sync_changed());
    history_.has_rolled_back = walked.ok();
    return walked;
}

Result<void> Rollback::walk(Number target) {
    // The newest change may not have happened, or only in part.
    bool is_decided = false;
    std::uint64_t at = plain(history_.journal->end());
    while (at > plain(target)) {
        const Number number{at - 1};
        const ByteVector record = TRY(history_.journal->read(number));
        const Change change = TRY(decode_change(record));
        const bool is_information =
            change.kind == ChangeKind::left || change.kind == ChangeKind::restarted;
        const bool leads_back =
            change.undoes >= plain(target) && change.undoes != 0 && change.undoes < plain(number);
        if (leads_back && !before_restart_) {
            TRY(note_left_between(change.undoes, plain(number)));
            if (!is_decided && change.kind != ChangeKind::nothing) TRY(undo_again(change.undoes));
            at = change.undoes;
        } else {
            TRY(undo_unless_kept(number, change));
            at = plain(number);
        }
        is_decided = is_decided || !is_information;
        FAULT_POINT(leases_rollback_step);
    }
    return {};
}

/// How files were left is told for all that happened before, on whichever way.
Result<void> Rollback::note_left_between(std::uint64_t begin, std::uint64_t end) {
    while (end-- > begin) {
        const ByteVector record = TRY(history_.journal->read(Number{end}));
        const Change change = TRY(decode_change(record));
        const bool is_information =
            change.kind == ChangeKind::left || change.kind == ChangeKind::restarted;
        if (is_information) TRY(undo(Number{end}, change));
    }
    return {};
}

/// What undoes a record may have been begun and not finished. To undo is idempotent.
Result<void> Rollback::undo_again(std::uint64_t number) {
    const ByteVector record = TRY(history_.journal->read(Number{number}));
    const Change change = TRY(decode_change(record));
    return undo_unless_kept(Number{number}, change, Attempt::again);
}

Result<void> Rollback::undo_unless_kept(Number number, const Change& change, Attempt attempt) {
    bool is_kept = false;
    const Place* not_granted = nullptr;
    for (const Place* place : {&change.place, &change.target}) {
        if (place->is_in_attic() && !place->is_log()) continue;
        const Reach reach = reach_of_(*place);
        if (reach == Reach::not_granted) not_granted = place;
        if (reach != Reach::kept) continue;
        passed_over_.insert(place->grant);
        is_kept = true;
    }
    if (is_kept) return {};
    if (not_granted != nullptr && change.kind != ChangeKind::barrier)
        return refusal(*not_granted, "is not granted on this host");
    return undo(number, change, attempt);
}

Result<void> Rollback::undo(Number number, const Change& change, Attempt attempt) {
    switch (change.kind) {
        case ChangeKind::content:
            return undo_content(number, change, attempt);
        case ChangeKind::created:
            return undo_creation(number, change);
        case ChangeKind::moved:
            return undo_move(number, change);
        case ChangeKind::directory_removed:
            return undo_removed_directory(number, change);
        case ChangeKind::left:
            left_.emplace(change.identity, change);
            return {};
        case ChangeKind::barrier:
            return refusal(change.place, as_text(change.bytes));
        case ChangeKind::restarted:
            before_restart_ = true;
            return {};
        case ChangeKind::nothing:
            return {};
    }
    return {};
}

/// Else what is removed is kept as a copy.
bool Rollback::keeps_inodes_of(const HostStatus& status) const {
    return history_.attic.device() == status.device;
}

/// After a restart of the host nobody knows how far changes had reached the disk.
bool Rollback::is_unknown(const Place& place) const {
    return before_restart_ && is_synced(place);
}

Result<void> Rollback::expect_ours(const Change& change, const HostStatus& status) {
    // Nobody else writes in the attic, where all is another file in a copy of the store.
    const bool is_log = change.place.is_log();
    if (is_unknown(change.place) || (change.place.is_in_attic() && !is_log)) return {};
    const FileIdentity identity = history_.attic.identity_of(status);
    if (!is_log && keeps_inodes_of(status) && identity != change.identity)
        return refusal(change.place, "is another file than this process changed");
    if (checked_.contains(identity)) return {};
    auto left = left_.find(identity);
    if (left == left_.end()) left = left_.find(change.identity);
    if (left == left_.end()) return refusal(change.place, "is in a state that nobody noted");
    TRY(expect_as_left(change.place, left->second, status));
    checked_.insert(identity);
    return {};
}

Result<void> Rollback::undo_content(Number number, const Change& change, Attempt attempt) {
    const auto opened = history_.open_at(change.place, O_RDWR | O_NONBLOCK | O_NOCTTY);
    if (!opened.ok()) {
        if (is_unknown(change.place)) return {};
        return refusal(change.place, fmt::format("can't be opened ({})", opened.error().message));
    }
    const int descriptor = opened->get();
    const HostStatus status = TRY(status_of(change.place, descriptor));
    TRY(expect_ours(change, status));

    const auto file = history_.track(change.place, status);
    if (!file->row) {
        file->row = TRY(history_.left.take(file->identity));
        history_.changed.push_back(file);
    }
    checked_.insert(file->identity);
    // Again, all of it is noted; and a note more would say that what the last one tells has
    // happened.
    if (attempt == Attempt::first) TRY(note_what_goes(number, change, descriptor, status));
    history_.left.begin(*file->row);
    TRY(put_back(change, descriptor));
    FAULT_POINT(leases_change_made);
    const HostStatus now = TRY(status_of(change.place, descriptor));
    history_.left.end(*file->row, now.length, now.modified_ns);
    return {};
}

/// Notes what will be overwritten or cut, the record that says it is all undone last.
Result<void> Rollback::note_what_goes(Number number, const Change& change, int descriptor,
                                      const HostStatus& status) {
    Change gone{.kind = ChangeKind::content,
                .place = change.place,
                .identity = change.identity,
                .length = status.length,
                .modified_ns = status.modified_ns};
    const auto note_range = [&](std::uint64_t begin, std::uint64_t end) -> Result<void> {
        for (; begin < end; begin += kPieceBytes) {
            gone.offset = begin;
            gone.bytes.resize(std::min(end - begin, kPieceBytes));
            gone.bytes.resize(TRY(read_file_at(descriptor, gone.bytes, begin)));
            TRY(history_.note(gone));
        }
        return {};
    };
    TRY(note_range(change.offset, std::min(change.offset + change.bytes.size(), gone.length)));
    TRY(note_range(change.length, gone.length));
    gone.offset = 0;
    gone.bytes.clear();
    gone.undoes = plain(number);
    TRY(history_.note(gone));
    return {};
}

Result<void> Rollback::put_back(const Change& change, int descriptor) {
    std::size_t done = 0;
    while (done < change.bytes.size()) {
        const ssize_t put =
            ::pwrite(descriptor, change.bytes.data() + done, change.bytes.size() - done,
                     static_cast<off_t>(change.offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return fail_errno(errno, "cannot write {}", change.place.description());
        done += static_cast<std::size_t>(put);
    }
    const std::array<timespec, 2> times = {timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                                           timespec_of(change.modified_ns)};
    if (::ftruncate(descriptor, static_cast<off_t>(change.length)) != 0 ||
        ::futimens(descriptor, times.data()) != 0)
        return fail_errno(errno, "cannot bring back {}", change.place.description());
    const std::string file = change.place.description();
    TRACE(leases, "content_brought_back", file, change.offset, change.bytes.size(), change.length);
    return {};
}

Result<void> Rollback::undo_creation(Number number, const Change& change) {
    auto spot = open_spot_of(change.place);
    if (!spot.ok() && is_unknown(change.place)) return {};
    const OpenSpot at = TRY(std::move(spot));
    const auto status = at.status();
    if (!status) return {};
    if (S_ISDIR(status->mode) && !keeps_inodes_of(*status)) {
        TRY(history_.note({.kind = ChangeKind::directory_removed,
                           .undoes = plain(number),
                           .place = change.place,
                           .mode = status->mode & 07777}));
        if (::unlinkat(at.directory.get(), at.name.c_str(), AT_REMOVEDIR) == 0) return {};
        return fail_errno(errno, "cannot remove {}", change.place.description());
    }
    const Place kept = Attic::place_of(history_.journal->end(), change.place.on_resume);
    return move(change.place, kept, plain(number));
}

Result<void> Rollback::undo_removed_directory(Number number, const Change& change) {
    const OpenSpot at = TRY(open_spot_of(change.place));
    if (const auto status = at.status()) {
        if (S_ISDIR(status->mode)) return {};
        return refusal(change.place, "was a directory, and somebody else has put a file there");
    }
    TRY(history_.note(
        {.kind = ChangeKind::created, .undoes = plain(number), .place = change.place}));
    if (::mkdirat(at.directory.get(), at.name.c_str(), change.mode) != 0 ||
        ::fchmodat(at.directory.get(), at.name.c_str(), change.mode, 0) != 0)
        return fail_errno(errno, "cannot bring back {}", change.place.description());
    FAULT_POINT(leases_change_made);
    return {};
}

Result<void> Rollback::undo_move(Number number, const Change& change) {
    const bool is_there = TRY(exists_as_moved(change.place, change));
    if (is_there) {
        TRY(expect_copy(change.place));
    } else {
        if (!TRY(exists(change.target))) {
            if (is_unknown(change.place)) return {};
            return refusal(change.place, "is gone");
        }
        TRY(move(change.target, change.place, change.keeps_target ? 0 : plain(number)));
    }
    if (change.keeps_target && history_.attic.has(number) && !TRY(exists(change.target)))
        TRY(move(Attic::place_of(number, change.target.on_resume), change.target, plain(number)));
    return {};
}

Result<bool> Rollback::exists(const Place& place) {
    if (place.is_in_attic()) return history_.attic.has(*Attic::number_of(place.path));
    const OpenSpot at = TRY(open_spot_of(place));
    return at.status().has_value();
}

/// Whether what was moved away from `place` is there: it has not happened, or is undone already.
Result<bool> Rollback::exists_as_moved(const Place& place, const Change& change) {
    if (place.is_in_attic()) return exists(place);
    const OpenSpot at = TRY(open_spot_of(place));
    const auto status = at.status();
    if (!status) return false;
    // A directory that was removed is made anew.
    const bool may_differ = !keeps_inodes_of(*status) || S_ISDIR(status->mode);
    if (may_differ || history_.attic.identity_of(*status) == change.identity) return true;
    return refusal(place, "was moved or removed, and somebody else has put another file there");
}

/// What was kept as a copy is another file now, and as it was left.
Result<void> Rollback::note_copy(const std::optional<HostStatus>& status) {
    if (!status || keeps_inodes_of(*status)) return {};
    const FileIdentity identity = history_.attic.identity_of(*status);
    checked_.insert(identity);
    TRY(history_.note({.kind = ChangeKind::left,
                       .identity = identity,
                       .length = status->length,
                       .modified_ns = status->modified_ns}));
    return {};
}

/// Of a way back that was killed before note_copy().
Result<void> Rollback::expect_copy(const Place& place) {
    if (place.is_in_attic()) return {};
    const OpenSpot at = TRY(open_spot_of(place));
    const auto status = at.status();
    if (!status || keeps_inodes_of(*status)) return {};
    const FileIdentity identity = history_.attic.identity_of(*status);
    if (!left_.contains(identity)) checked_.insert(identity);
    return {};
}

Result<void> Rollback::move(const Place& from, const Place& to, std::uint64_t undoes) {
    Change change{.kind = ChangeKind::moved, .undoes = undoes, .place = from, .target = to};
    std::optional<OpenSpot> source;
    if (!from.is_in_attic()) source = TRY(open_spot_of(from));
    if (source) {
        if (const auto status = source->status())
            change.identity = history_.attic.identity_of(*status);
    } else {
        change.identity = TRY(history_.attic.identity(*Attic::number_of(from.path)));
    }
    const Number number = TRY(history_.note(change));
    if (!source) {
        const OpenSpot at = TRY(open_spot_of(to));
        TRY(history_.attic.give(*Attic::number_of(from.path), at.directory.get(), at.name));
        TRY(note_copy(at.status()));
    } else if (to.is_in_attic()) {
        const Number kept = *Attic::number_of(to.path);
        TRY(history_.attic.take(source->directory.get(), source->name, kept));
        history_.attic.release(kept, number);
    } else {
        const OpenSpot at = TRY(open_spot_of(to));
        if (::renameat2(source->directory.get(), source->name.c_str(), at.directory.get(),
                        at.name.c_str(), RENAME_NOREPLACE) != 0)
            return fail_errno(errno, "cannot move {} back to {}", from.description(),
                              to.description());
    }
    FAULT_POINT(leases_change_made);
    history_.follow_rename(from, to);
    const std::string source_name = from.description();
    const std::string target_name = to.description();
    TRACE(leases, "moved_back", source_name, target_name);
    return {};
}

}  // namespace sojourn::leases
