#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/trace.hpp"
#include "leases/file.hpp"

namespace sojourn::leases {

namespace {

int access_of(const File::State& state) {
    if (!state.writes) return O_RDONLY;
    return state.reads ? O_RDWR : O_WRONLY;
}

}  // namespace

Result<ByteVector> File::capture() {
    if (file_.valid()) TRY(note_what_is_there());
    ByteWriter writer;
    put(writer, state_.place);
    writer.put(static_cast<std::uint8_t>(state_.reads));
    writer.put(static_cast<std::uint8_t>(state_.writes));
    writer.put(state_.flags);
    writer.put(state_.offset);
    writer.put(state_.length);
    writer.put(state_.device);
    writer.put(state_.inode);
    writer.put(static_cast<std::uint8_t>(state_.is_removed));
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
    const auto is_removed = TRY(reader.get<std::uint8_t>());
    restored.is_removed = is_removed != 0;
    TRY(reader.expect_end());

    const bool fits_host = restored.offset <= INT64_MAX && restored.length <= INT64_MAX;
    const bool has_known_flags =
        (reads | writes | is_removed) <= 1 && restored.flags <= kDescriptorFlags;
    const bool has_name = !restored.place.path.empty();
    const bool may_write = !(restored.writes && restored.place.is_read_only);
    if (!fits_host || !has_known_flags || !has_name || !may_write)
        return fail(ErrorCode::corrupt, "the state of the file lease {} contradicts itself",
                    restored.place.description());
    std::unique_ptr<File> file(new File(std::move(restored), UniqueFd()));
    file->comes_from_checkpoint_ = true;
    return std::unique_ptr<Service>(std::move(file));
}

void File::release() {
    file_ = UniqueFd();
}

void File::relocate(const Relocation& relocation) {
    const auto moved = relocation.moved_exactly(state_.place.description());
    if (!moved) return state_.place.relocate(relocation);
    state_.place = Place::of_file(*moved, state_.place.is_read_only);
}

Result<void> File::probe(const Host&) const {
    TRY(open_again());
    return {};
}

Result<void> File::reacquire(const Host&) {
    file_ = TRY(open_again());
    if (comes_from_checkpoint_) TRY(roll_back());
    comes_from_checkpoint_ = false;
    return {};
}

Result<UniqueFd> File::open_again() const {
    // Another file may have taken its name.
    if (state_.is_removed)
        return fail(ErrorCode::not_found, "{} had been removed while it was open",
                    state_.place.description());
    // O_NONBLOCK: a pipe that has taken the file's name must not hang us.
    const int flags = access_of(state_) | host_flags_of(state_.flags) | O_NONBLOCK | O_NOCTTY;
    UniqueFd file = TRY(open_place(state_.place, flags));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        return fail_errno(errno, "cannot stat {}", state_.place.description());
    if (!S_ISREG(status.st_mode))
        return fail(ErrorCode::io, "{} is no longer a regular file", state_.place.description());
    const bool is_same_inode = status.st_dev == state_.device && status.st_ino == state_.inode;
    TRACE(leases, "file_reopened", is_same_inode);

    const auto length_now = static_cast<std::uint64_t>(status.st_size);
    if (comes_from_checkpoint_ && length_now < state_.length) {
        return fail(ErrorCode::io, "{} has {} bytes, at the checkpoint it had {}",
                    state_.place.description(), length_now, state_.length);
    }
    return file;
}

Result<void> File::note_what_is_there() {
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0)
        return fail_errno(errno, "cannot stat {}", state_.place.description());
    state_.length = static_cast<std::uint64_t>(status.st_size);
    state_.device = status.st_dev;
    state_.inode = status.st_ino;
    state_.is_removed = status.st_nlink == 0;
    return {};
}

/// The guest goes on from the checkpoint and writes again what it wrote since, so that must go.
Result<void> File::roll_back() {
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0)
        return fail_errno(errno, "cannot stat {}", state_.place.description());
    const auto length_now = static_cast<std::uint64_t>(status.st_size);
    if (!state_.writes || length_now <= state_.length) return {};
    if (::ftruncate(file_.get(), static_cast<off_t>(state_.length)) != 0)
        return fail_errno(errno, "cannot cut {} to its length at the checkpoint",
                          state_.place.description());
    const std::string& file = state_.place.path;
    const std::uint64_t length = state_.length;
    TRACE(leases, "file_cut", file, length_now, length);
    return {};
}

}  // namespace sojourn::leases
