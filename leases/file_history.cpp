#include "leases/file_history.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <climits>

#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "leases/internal/history_state.hpp"
#include "leases/internal/return_forecast.hpp"
#include "leases/internal/rollback.hpp"

namespace sojourn::leases {

namespace {

/// Files that are closed again and yet not forgotten before the next checkpoint.
constexpr std::size_t kChangedMax = 4096;

Result<HostStatus> status_of(int descriptor) {
    if (const auto status = host_status_of(descriptor)) return *status;
    return fail_errno(errno, "cannot stat a file");
}

std::string descriptor_path(int descriptor) {
    return fmt::format("/proc/self/fd/{}", descriptor);
}

Result<void> sync_file_system(const std::string& directory) {
    const UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.valid() && ::syncfs(opened.get()) == 0) return {};
    return fail_errno(errno, "cannot make {} durable", directory);
}

}  // namespace

Errno errno_of(const Error& error) {
    TRACE(leases, "change_not_noted", error.message);
    return error.code == ErrorCode::store_full ? Errno::nospc : Errno::io;
}

Result<std::size_t> read_file_at(int descriptor, MutableBytes out, std::uint64_t offset) {
    UniqueFd reader;
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got = ::pread(reader.valid() ? reader.get() : descriptor, out.data() + done,
                                    out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EBADF && !reader.valid()) {
            reader = UniqueFd(::open(descriptor_path(descriptor).c_str(), O_RDONLY | O_CLOEXEC));
            if (reader.valid()) continue;
        }
        if (got < 0) return fail_errno(errno, "cannot read what is about to be overwritten");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

std::optional<Place> place_without_links(const Place& known, int descriptor) {
    std::array<char, PATH_MAX> path{};
    const ssize_t length =
        ::readlink(descriptor_path(descriptor).c_str(), path.data(), path.size() - 1);
    std::string_view name(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (known.grant != "/") {
        if (!name.starts_with(known.grant)) return std::nullopt;
        name.remove_prefix(known.grant.size());
    }
    if (!name.empty() && name.front() != '/') return std::nullopt;
    Place place = known;
    place.path = name.substr(name.empty() ? 0 : 1);
    return place;
}

FileHistory::FileHistory(std::unique_ptr<State> state) : state_(std::move(state)) {}

FileHistory::~FileHistory() {
    // What can't be written down now is found in the table by the next life.
    static_cast<void>(state_->settle_all());
}

Result<std::unique_ptr<FileHistory>> FileHistory::open(const std::filesystem::path& directory) {
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return fail_errno(errno, "cannot make {}", directory.native());
    auto journal = TRY(store::Journal::open(directory));
    auto attic = TRY(Attic::open(directory / "attic"));
    auto left = TRY(LeftFiles::open(directory / "left"));
    std::unique_ptr<State> state(new State{
        .journal = std::move(journal), .attic = std::move(attic), .left = std::move(left)});
    TRY(state->settle_rows_of_earlier_life());
    TRY(state->note_restart(directory));
    return std::unique_ptr<FileHistory>(new FileHistory(std::move(state)));
}

Result<HistoryPosition> FileHistory::mark() {
    state_->begin_interval();
    TRY(state_->sync_changed());
    state_->is_recording = true;
    return state_->journal->end();
}

Result<void> FileHistory::roll_back(HistoryPosition position, const ReachOf& reach_of) {
    return Rollback(*state_, reach_of).run(position);
}

Result<WillChange> FileHistory::forecast(HistoryPosition position) const {
    const auto forecast =
        std::make_shared<const ReturnForecast>(TRY(ReturnForecast::of(*state_, position)));
    return WillChange([forecast](const Place& place) { return forecast->will_change(place); });
}

Result<void> FileHistory::go_on(HistoryPosition position, const std::set<std::string>& kept) {
    if (position != state_->journal->end()) TRY(state_->break_with_past(kept));
    state_->is_recording = true;
    state_->has_rolled_back = true;
    return {};
}

bool FileHistory::has_rolled_back() const {
    return state_->has_rolled_back;
}

Result<UniqueFd> FileHistory::open_log() {
    return state_->attic.open_log();
}

Place FileHistory::log_place() {
    return Attic::place_of(Attic::kLog, OnResume::rollback);
}

bool FileHistory::has_log() const {
    return state_->attic.has(Attic::kLog);
}

std::filesystem::path FileHistory::log_path(const std::filesystem::path& directory) {
    return directory / "attic" / Attic::kLogName;
}

Result<void> FileHistory::drop_before(HistoryPosition position) {
    TRY(state_->journal->drop_before(position));
    state_->attic.drop_before(position);
    return {};
}

std::shared_ptr<TrackedFile> FileHistory::track(const Place& place, int file) {
    const auto status = status_of(file);
    if (!status.ok()) return nullptr;
    const auto real_place = place.is_in_attic() ? std::nullopt : place_without_links(place, file);
    auto tracked = state_->track(real_place.value_or(place), *status);
    tracked->descriptors.push_back(file);
    if (const auto number = Attic::number_of(tracked->place.path); tracked->place.is_in_attic())
        state_->attic.hold(*number);
    return tracked;
}

void FileHistory::untrack(const std::shared_ptr<TrackedFile>& file, int descriptor) {
    std::erase(file->descriptors, descriptor);
    if (!file->descriptors.empty() || file->interval == state_->interval) return;
    // What can't be written down stays in the table.
    if (state_->settle(*file).ok()) state_->tracked.erase(file->identity);
}

void FileHistory::let_go(const TrackedFile& file) {
    if (file.descriptors.size() > 1 || !file.place.is_in_attic()) return;
    state_->attic.release(*Attic::number_of(file.place.path), state_->journal->end());
}

const Place& FileHistory::place_of(const TrackedFile& file) {
    return file.place;
}

Result<UniqueFd> FileHistory::open_removed(const Place& place, int flags) {
    return state_->open_at(place, flags);
}

Errno FileHistory::before_change(TrackedFile& file, int descriptor, std::uint64_t offset,
                                 std::uint64_t length) {
    if (!state_->is_recording) return Errno::success;
    const auto noted = state_->before_change(file, descriptor, offset, length);
    return noted.ok() ? Errno::success : errno_of(noted.error());
}

/// Asks neither the kernel for the length, which is known, nor the file for its time: who does is
/// given a finer one at the next write, which makes that twice as slow. It is not later than now.
void FileHistory::after_write(TrackedFile& file, std::uint64_t end) {
    if (!file.row) return;
    FAULT_POINT(leases_change_made);
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::uint64_t length = std::max(state_->left.row(*file.row).length, end);
    state_->left.end(*file.row, length, nanoseconds_of(now));
}

void FileHistory::after_change(TrackedFile& file, int descriptor) {
    if (!file.row) return;
    FAULT_POINT(leases_change_made);
    const auto status = status_of(descriptor);
    if (!status.ok()) return;
    state_->left.end(*file.row, status->length, status->modified_ns);
}

Errno FileHistory::change_times(const Place& place, int descriptor,
                                const std::function<Errno()>& set) {
    const auto status = status_of(descriptor);
    if (!place.rolls_back() || !status.ok() || !S_ISREG(status->mode)) return set();
    const auto file = state_->track(place, *status);
    if (const Errno error = before_change(*file, descriptor, 0, 0); error != Errno::success)
        return error;
    const Errno error = set();
    after_change(*file, descriptor);
    return error;
}

Result<HistoryPosition> FileHistory::State::note(const Change& change) {
    const auto number = TRY(journal->append(encode(change)));
    const Place& place = change.place.is_in_attic() ? change.target : change.place;
    if (place.on_resume == OnResume::rollback_synced) {
        TRY(journal->sync());
        if (!place.is_in_attic()) synced_grants.insert(place.grant);
    }
    FAULT_POINT(leases_change_noted);
    return number;
}

Result<void> FileHistory::State::note_barrier(const Place& place, std::string_view why) {
    const Bytes text = as_bytes(why);
    TRY(note({.kind = ChangeKind::barrier, .place = place, .bytes = {text.begin(), text.end()}}));
    return {};
}

Result<void> FileHistory::State::break_with_past(const std::set<std::string>& grants) {
    for (const std::string& grant : grants) {
        const Place kept = grant.empty() ? log_place() : Place{.grant = grant, .path = {}};
        TRY(note_barrier(kept, "was kept as it was at a resume"));
    }
    return {};
}

void FileHistory::State::annul(HistoryPosition number) {
    // Without it, a roll-back finds that nothing has happened.
    static_cast<void>(note({.kind = ChangeKind::nothing, .undoes = plain(number)}));
}

std::shared_ptr<TrackedFile> FileHistory::State::find(FileIdentity identity) {
    const auto found = tracked.find(identity);
    if (found == tracked.end()) return nullptr;
    auto file = found->second.lock();
    if (file == nullptr) tracked.erase(found);
    return file;
}

std::shared_ptr<TrackedFile> FileHistory::State::track(const Place& place,
                                                       const HostStatus& status) {
    const FileIdentity identity = attic.identity_of(status);
    if (auto known = find(identity)) {
        // The name by which it was known may be gone, where it had several.
        const bool is_better = place.rolls_back() && !known->place.rolls_back();
        if (known->descriptors.empty() || is_better) known->place = place;
        return known;
    }
    auto file = std::make_shared<TrackedFile>(TrackedFile{.identity = identity, .place = place});
    tracked[identity] = file;
    return file;
}

void FileHistory::State::begin_interval() {
    forget_closed_files();
    changed.clear();
    created.clear();
    std::erase_if(tracked, [](const auto& entry) { return entry.second.expired(); });
    ++interval;
}

void FileHistory::State::forget_closed_files() {
    std::erase_if(changed, [this](const auto& file) {
        return file->descriptors.empty() && settle(*file).ok();
    });
}

Result<void> FileHistory::State::settle(TrackedFile& file) {
    if (!file.row) return {};
    const LeftFiles::Row& row = left.row(*file.row);
    TRY(note({.kind = ChangeKind::left,
              .is_uncertain = row.state.load(std::memory_order_relaxed) == LeftFiles::under_way,
              .identity = file.identity,
              .length = row.length,
              .modified_ns = row.modified_ns}));
    left.give_back(*file.row);
    file.row.reset();
    file.interval = 0;
    return {};
}

Result<void> FileHistory::State::settle_all() {
    for (auto& [identity, known] : tracked) {
        if (const auto file = known.lock()) TRY(settle(*file));
    }
    return {};
}

Result<void> FileHistory::State::settle_rows_of_earlier_life() {
    for (const LeftFiles::Index index : left.taken()) {
        const LeftFiles::Row& row = left.row(index);
        const bool was_under_way = row.state.load(std::memory_order_relaxed) != LeftFiles::settled;
        const bool is_length = row.length <= INT64_MAX;
        TRY(note({.kind = ChangeKind::left,
                  .is_uncertain = was_under_way,
                  .identity = {row.device, row.inode},
                  .length = is_length ? row.length : 0,
                  .modified_ns = row.modified_ns}));
    }
    left.forget_all();
    return {};
}

Result<void> FileHistory::State::note_restart(const std::filesystem::path& directory) {
    const auto now = TRY(read_file("/proc/sys/kernel/random/boot_id"));
    const std::filesystem::path path = directory / "boot";
    const auto before = read_file(path);
    if (before.ok() && std::ranges::equal(*before, now)) return {};
    if (before.ok()) TRY(note({.kind = ChangeKind::restarted}));
    return write_file(path, now);
}

Result<void> FileHistory::State::sync_changed() {
    for (const std::string& grant : std::exchange(synced_grants, {}))
        TRY(sync_file_system(grant));
    return {};
}

Result<UniqueFd> FileHistory::State::open_at(const Place& place, int flags) const {
    if (!place.is_in_attic()) return open_place(place, flags);
    return attic.open_file(*Attic::number_of(place.path), flags);
}

/// The file's first change between two checkpoints.
Result<void> FileHistory::State::begin_file(TrackedFile& file, int descriptor) {
    file.is_new = created.contains(file.identity);
    if (file.is_new) {
        file.interval = interval;
        return {};
    }
    const auto status = TRY(status_of(descriptor));
    const auto length = status.length;
    const std::int64_t modified_ns = status.modified_ns;
    if (file.row) {
        const LeftFiles::Row& row = left.row(*file.row);
        if (row.length != length || row.modified_ns < modified_ns) {
            TRY(note_barrier(file.place, "was changed by somebody else while this process ran"));
        }
    } else {
        file.row = TRY(left.take(file.identity));
        left.end(*file.row, length, modified_ns);
    }
    if (changed.size() == kChangedMax) forget_closed_files();
    file.interval = interval;
    file.length = length;
    file.modified_ns = modified_ns;
    file.saved.clear();
    changed.push_back(find(file.identity));
    return {};
}

/// A name by which nobody finds it again can't be noted: somebody else may have changed it.
Result<void> FileHistory::State::expect_found_again(TrackedFile& file, int descriptor) {
    const auto leads_there = [&](const Place& place) {
        const auto there = open_at(place, O_PATH | O_NOFOLLOW);
        if (!there.ok()) return false;
        const auto status = status_of(there->get());
        return status.ok() && attic.identity_of(*status) == file.identity;
    };
    if (std::exchange(file.names_seen, name_changes) == name_changes) return {};
    if (leads_there(file.place)) return {};
    const auto renamed = place_without_links(file.place, descriptor);
    if (renamed && leads_there(*renamed)) {
        file.place = *renamed;
        return {};
    }
    TRY(note_barrier(file.place, "was removed by somebody else while this process changed it"));
    return {};
}

Result<bool> FileHistory::State::save(TrackedFile& file, int descriptor, std::uint64_t offset,
                                      std::uint64_t length) {
    const std::uint64_t end = std::min(file.length, offset + length);
    if (length == 0 || offset >= end) return false;
    TRY(expect_found_again(file, descriptor));
    bool has_noted = false;
    std::uint64_t block = offset / kBlockBytes;
    std::uint64_t last = (end - 1) / kBlockBytes;
    if (file.saved.has_all(block, last)) return false;
    // The rest of a group is likely to be written as well: once is cheaper than one by one.
    if (file.saved.is_dense_at(block)) block -= block % BlockSet::kGroupBlocks;
    if (file.saved.is_dense_at(last)) {
        last = std::min(last | (BlockSet::kGroupBlocks - 1), (file.length - 1) / kBlockBytes);
    }
    for (; block <= last; ++block) {
        const std::uint64_t first = block;
        while (block <= last && block - first < kBlocksMax && file.saved.insert(block))
            ++block;
        if (block == first) continue;
        const std::uint64_t begin = first * kBlockBytes;
        ByteVector bytes(std::min(block * kBlockBytes, file.length) - begin);
        bytes.resize(TRY(read_file_at(descriptor, bytes, begin)));
        TRY(note({.kind = ChangeKind::content,
                  .place = file.place,
                  .identity = file.identity,
                  .length = file.length,
                  .modified_ns = file.modified_ns,
                  .offset = begin,
                  .bytes = std::move(bytes)}));
        has_noted = true;
        --block;  // the one that ended the run is looked at again
    }
    return has_noted;
}

Result<void> FileHistory::State::before_change(TrackedFile& file, int descriptor,
                                               std::uint64_t offset, std::uint64_t length) {
    const bool is_first = file.interval != interval;
    if (is_first) TRY(begin_file(file, descriptor));
    if (file.is_new) return {};
    const auto saved = save(file, descriptor, offset, length);
    // What is marked as saved may not be: all of it is saved again.
    if (!saved.ok()) file.interval = 0;
    const bool has_noted = TRY(saved);
    if (is_first && !has_noted) {
        TRY(expect_found_again(file, descriptor));
        TRY(note({.kind = ChangeKind::content,
                  .place = file.place,
                  .identity = file.identity,
                  .length = file.length,
                  .modified_ns = file.modified_ns}));
    }
    left.begin(*file.row);
    return {};
}

}  // namespace sojourn::leases
