#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault_point.hpp"
#include "leases/internal/history_state.hpp"

/// Names that are made, removed and moved.
namespace sojourn::leases {

namespace {

/// Of which it is known that they are new since the last checkpoint.
constexpr std::size_t kCreatedMax = 65'536;

/// nullopt: there is nothing of that name, or it can't be seen.
std::optional<HostStatus> status_of(const NameInDirectory& at) {
    return host_status_of(at.directory, at.name);
}

Errno remove(const NameInDirectory& at, int flags) {
    return errno_of_call(::unlinkat(at.directory, at.name.c_str(), flags));
}

Errno move(const NameInDirectory& from, const NameInDirectory& to) {
    return errno_of_call(
        ::renameat(from.directory, from.name.c_str(), to.directory, to.name.c_str()));
}

/// Of a file that is open, without what opening alone heeds.
int flags_to_reopen(int descriptor) {
    return ::fcntl(descriptor, F_GETFL) & (O_ACCMODE | O_APPEND | O_DSYNC | O_SYNC);
}

}  // namespace

NameInDirectory::NameInDirectory(const Place& known, int parent, std::string name_)
    : place(known), directory(parent), name(std::move(name_)) {
    if (const auto real = place_without_links(known, parent)) place = real->below(name);
}

Errno FileHistory::create(const NameInDirectory& at, const std::function<int()>& make) {
    // What is there already makes it fail, which changes nothing.
    if (!state_->notes(at.place) || status_of(at)) return errno_of_call(make());
    const auto number = state_->note({.kind = ChangeKind::created, .place = at.place});
    if (!number.ok()) return errno_of(number.error());
    const Errno error = errno_of_call(make());
    FAULT_POINT(leases_change_made);
    if (error != Errno::success) {
        state_->annul(*number);
    } else if (const auto status = status_of(at); status && S_ISREG(status->mode)) {
        // Linking gives a second name to what was there before.
        const bool is_new = status->link_count == 1 && state_->created.size() < kCreatedMax;
        if (is_new) state_->created.insert(state_->attic.identity_of(*status));
    }
    return error;
}

Errno FileHistory::remove_file(const NameInDirectory& at) {
    const auto status = status_of(at);
    if (!status || S_ISDIR(status->mode) || !state_->must_keep(at.place, *status))
        return remove(at, 0);
    const HistoryPosition number = state_->journal->end();
    const auto noted = state_->note({.kind = ChangeKind::moved,
                                     .place = at.place,
                                     .target = Attic::place_of(number, at.place.on_resume),
                                     .identity = state_->attic.identity_of(*status)});
    if (!noted.ok()) return errno_of(noted.error());
    const auto taken = state_->attic.take(at.directory, at.name, number);
    FAULT_POINT(leases_change_made);
    if (!taken.ok()) {
        state_->annul(number);
        return errno_of(taken.error());
    }
    const auto followed = state_->follow_removal(state_->attic.identity_of(*status), number);
    return followed.ok() ? Errno::success : errno_of(followed.error());
}

Errno FileHistory::remove_directory(const NameInDirectory& at) {
    const auto status = status_of(at);
    if (!state_->notes(at.place) || !status || !S_ISDIR(status->mode))
        return remove(at, AT_REMOVEDIR);
    const auto number = state_->note(
        {.kind = ChangeKind::directory_removed, .place = at.place, .mode = status->mode & 07777});
    if (!number.ok()) return errno_of(number.error());
    const Errno error = remove(at, AT_REMOVEDIR);
    FAULT_POINT(leases_change_made);
    if (error != Errno::success) state_->annul(*number);
    return error;
}

Errno FileHistory::rename(const NameInDirectory& from, const NameInDirectory& to) {
    const auto moved = status_of(from);
    const auto replaced = status_of(to);
    const bool is_same = moved && replaced &&
                         state_->attic.identity_of(*moved) == state_->attic.identity_of(*replaced);
    const bool is_refused = moved && replaced && S_ISDIR(moved->mode) != S_ISDIR(replaced->mode);
    const bool is_noted = state_->notes(from.place) || state_->notes(to.place) ||
                          (replaced && state_->must_keep(to.place, *replaced));
    if (!is_noted || !moved || is_same || is_refused) {
        const Errno error = move(from, to);
        if (error == Errno::success && !is_same) state_->follow_rename(from.place, to.place);
        return error;
    }
    const bool replaces_file = replaced && !S_ISDIR(replaced->mode);
    std::optional<HistoryPosition> first;
    if (replaced && !replaces_file) {
        const auto removed = state_->note({.kind = ChangeKind::directory_removed,
                                           .place = to.place,
                                           .mode = replaced->mode & 07777});
        if (!removed.ok()) return errno_of(removed.error());
        first = *removed;
    }
    const HistoryPosition number = state_->journal->end();
    const auto noted = state_->note({.kind = ChangeKind::moved,
                                     .place = from.place,
                                     .target = to.place,
                                     .keeps_target = replaces_file,
                                     .identity = state_->attic.identity_of(*moved)});
    if (!noted.ok()) return errno_of(noted.error());
    if (replaces_file) {
        const auto kept = state_->attic.link(to.directory, to.name, number);
        if (!kept.ok()) {
            state_->annul(number);
            return errno_of(kept.error());
        }
    }
    const Errno error = move(from, to);
    FAULT_POINT(leases_change_made);
    if (error != Errno::success) {
        state_->annul(first.value_or(number));
        return error;
    }
    if (replaces_file) {
        const auto followed = state_->follow_removal(state_->attic.identity_of(*replaced), number);
        if (!followed.ok()) return errno_of(followed.error());
    }
    state_->follow_rename(from.place, to.place);
    return Errno::success;
}

bool FileHistory::State::must_keep(const Place& place, const HostStatus& status) {
    if (notes(place)) return true;
    const auto file = find(attic.identity_of(status));
    return file != nullptr && !file->descriptors.empty();
}

void FileHistory::State::follow_rename(const Place& from, const Place& to) {
    ++name_changes;
    for (auto& [identity, known] : tracked) {
        if (const auto file = known.lock()) file->place.follow(from, to);
    }
}

Result<void> FileHistory::State::follow_removal(FileIdentity identity, HistoryPosition number) {
    ++name_changes;
    const auto file = find(identity);
    if (file == nullptr || file->descriptors.empty()) {
        attic.release(number, number);
        return {};
    }
    file->place = Attic::place_of(number, file->place.on_resume);
    const FileIdentity kept = TRY(attic.identity(number));
    if (kept == identity) return {};

    // A copy: from now on the guest's descriptors are of that, which outlives this host process.
    for (const int descriptor : file->descriptors) {
        const UniqueFd reopened = TRY(attic.open_file(number, flags_to_reopen(descriptor)));
        if (::dup3(reopened.get(), descriptor, O_CLOEXEC) < 0)
            return fail_errno(errno, "cannot open a removed file");
    }
    TRY(settle(*file));
    created.erase(identity);
    file->interval = 0;
    tracked.erase(identity);
    file->identity = kept;
    tracked[file->identity] = file;
    return {};
}

}  // namespace sojourn::leases
