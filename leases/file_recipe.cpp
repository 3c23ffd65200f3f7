#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/trace.hpp"
#include "leases/file.hpp"
#include "leases/internal/history_state.hpp"

namespace sojourn::leases {

namespace {

int access_of(const File::State& state) {
    if (!state.writes) return O_RDONLY;
    return state.reads ? O_RDWR : O_WRONLY;
}

constexpr std::string_view kRecipeRemedy = "--on-resume keep goes on with files as they are";

/// O_NONBLOCK: a pipe that has taken the file's name must not hang us.
Result<UniqueFd> open_file(const Place& place, const Host& host, int flags) {
    flags |= O_NONBLOCK | O_NOCTTY;
    if (!place.is_in_attic()) return open_place(place, flags);
    if (host.files != nullptr) return host.files->open_removed(place, flags);
    return fail(ErrorCode::not_found, "a file that had been removed is not kept here");
}

/// Of the first and the last block: enough to tell a file from one that was merely cut or grew.
Result<Sha256> sample_of(int file, std::uint64_t length) {
    ByteVector sample(2 * kBlockBytes);
    const std::uint64_t last = length - std::min(length, kBlockBytes);
    const MutableBytes whole(sample);
    const std::size_t head = TRY(read_file_at(file, whole.first(kBlockBytes), 0));
    const std::size_t tail = TRY(read_file_at(file, whole.subspan(head, kBlockBytes), last));
    return sha256_of(Bytes(sample).first(head + tail));
}

}  // namespace

Place* File::place() {
    if (tracked_ != nullptr) state_.place = FileHistory::place_of(*tracked_);
    return &state_.place;
}

Result<ByteVector> File::capture() {
    place();
    if (file_.valid()) {
        TRY(note_what_is_there(file_.get()));
    } else if (history_ != nullptr && !state_.place.is_in_attic()) {
        // While the lease is expired another descriptor of the guest may have changed the file.
        const auto there = open_place(state_.place, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (there.ok()) TRY(note_what_is_there(there->get()));
    }
    ByteWriter writer;
    leases::put(writer, state_.place);
    writer.put(static_cast<std::uint8_t>(state_.reads));
    writer.put(static_cast<std::uint8_t>(state_.writes));
    writer.put(state_.flags);
    writer.put(state_.offset);
    writer.put(state_.length);
    writer.put(state_.device);
    writer.put(state_.inode);
    writer.put(state_.modified_ns);
    writer.put(static_cast<std::uint8_t>(state_.is_removed));
    writer.put(state_.sample);
    return writer.take();
}

Result<std::unique_ptr<Service>> File::restore(Bytes state) {
    ByteReader reader(state, "the state of a file lease");
    State restored;
    restored.place = TRY(get_place(reader));
    const auto reads = TRY(reader.get<std::uint8_t>());
    const auto writes = TRY(reader.get<std::uint8_t>());
    restored.reads = reads != 0;
    restored.writes = writes != 0;
    restored.flags = TRY(reader.get<DescriptorFlags>());
    restored.offset = TRY(reader.get<std::uint64_t>());
    restored.length = TRY(reader.get<std::uint64_t>());
    restored.device = TRY(reader.get<std::uint64_t>());
    restored.inode = TRY(reader.get<std::uint64_t>());
    restored.modified_ns = TRY(reader.get<std::int64_t>());
    const auto is_removed = TRY(reader.get<std::uint8_t>());
    restored.is_removed = is_removed != 0;
    restored.sample = TRY(reader.get<Sha256>());
    TRY(reader.expect_end());

    const bool fits_host = restored.offset <= INT64_MAX && restored.length <= INT64_MAX;
    const bool has_known_flags =
        (reads | writes | is_removed) <= 1 && restored.flags <= kDescriptorFlags;
    const bool has_name = !restored.place.path.empty();
    const bool may_write = !(restored.writes && restored.place.is_read_only);
    if (!fits_host || !has_known_flags || !has_name || !may_write)
        return fail(ErrorCode::corrupt, "the state of the file lease {} contradicts itself",
                    restored.place.description());
    return std::unique_ptr<Service>(new File(std::move(restored), UniqueFd()));
}

void File::release() {
    if (tracked_ != nullptr) history_->untrack(tracked_, file_.get());
    tracked_.reset();
    file_ = UniqueFd();
}

void File::let_go() {
    if (tracked_ != nullptr) history_->let_go(*tracked_);
}

std::vector<Grant> File::sufficient_grants() const {
    // The attic is the process's own, whatever its host is.
    if (state_.place.is_in_attic()) return {};
    return {state_.place.directory_grant(), state_.place.file_grant()};
}

void File::relocate(const Relocation& relocation) {
    const std::string before = state_.place.description();
    const auto moved = relocation.moved_exactly(before);
    if (!moved) return state_.place.relocate(relocation);
    Place place = Place::of_file(*moved, state_.place.is_read_only);
    place.on_resume = state_.place.on_resume;
    place.has_moved = *moved != before;
    state_.place = std::move(place);
}

Result<void> File::probe(const Host& host) const {
    const UniqueFd file = TRY(open_again(host));
    const bool is_ours = state_.writes && state_.place.rolls_back();
    if (!is_ours && state_.place.on_resume != OnResume::refuse) return {};
    const bool has_rolled_back =
        host.files != nullptr && host.files->has_rolled_back() && !state_.place.has_moved;
    return expect_as_captured(file.get(), has_rolled_back);
}

Result<void> File::reacquire(const Host& host) {
    file_ = TRY(open_again(host));
    begin_tracking(host.files);
    return {};
}

Result<UniqueFd> File::open_again(const Host& host) const {
    // Another file may have taken its name.
    if (state_.is_removed)
        return fail(ErrorCode::not_found, "{} had been removed while it was open",
                    state_.place.description());
    UniqueFd file =
        TRY(open_file(state_.place, host, access_of(state_) | host_flags_of(state_.flags)));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        return fail_errno(errno, "cannot stat {}", state_.place.description());
    if (!S_ISREG(status.st_mode))
        return fail(ErrorCode::io, "{} is no longer a regular file", state_.place.description());
    const bool is_same_inode = status.st_dev == state_.device && status.st_ino == state_.inode;
    TRACE(leases, "file_reopened", is_same_inode);
    return file;
}

Result<void> File::note_what_is_there(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0)
        return fail_errno(errno, "cannot stat {}", state_.place.description());
    const auto length = static_cast<std::uint64_t>(status.st_size);
    const std::int64_t modified_ns = nanoseconds_of(status.st_mtim);
    const bool will_be_compared =
        state_.place.on_resume == OnResume::refuse || (state_.writes && state_.place.rolls_back());
    const bool is_sampled =
        state_.sample != Sha256{} && state_.length == length && state_.modified_ns == modified_ns;
    if (will_be_compared && !is_sampled) state_.sample = TRY(sample_of(file, length));
    state_.length = length;
    state_.modified_ns = modified_ns;
    state_.device = status.st_dev;
    state_.inode = status.st_ino;
    state_.is_removed = status.st_nlink == 0;
    return {};
}

Result<void> File::expect_as_captured(int file, bool has_rolled_back) const {
    struct stat status {};
    if (::fstat(file, &status) != 0)
        return fail_errno(errno, "cannot stat {}", state_.place.description());
    const auto length = static_cast<std::uint64_t>(status.st_size);
    if (length != state_.length)
        return fail(ErrorCode::io, "{} has {} bytes, at the checkpoint it had {}; {}",
                    state_.place.description(), length, state_.length, kRecipeRemedy);
    // Times differ between a file and its copy on another host.
    const bool is_untouched =
        has_rolled_back && nanoseconds_of(status.st_mtim) == state_.modified_ns;
    if (is_untouched) return {};
    if (has_rolled_back || TRY(sample_of(file, length)) != state_.sample)
        return fail(ErrorCode::io, "{} has changed since the checkpoint; {}",
                    state_.place.description(), kRecipeRemedy);
    return {};
}

}  // namespace sojourn::leases
