#include "leases/volume/volume_file.hpp"

#include <algorithm>
#include <limits>

namespace sojourn::leases {

namespace {

constexpr std::uint64_t kOffsetMax = std::numeric_limits<std::int64_t>::max();

bool is_range(std::uint64_t offset, std::uint64_t length) {
    return offset <= kOffsetMax && length <= kOffsetMax - offset;
}

}  // namespace

Answer<std::unique_ptr<Descriptor>> VolumeFile::opened(VolumePlace place,
                                                       const OpenRequest& request, Volume& volume) {
    State state;
    state.place = std::move(place);
    state.reads = request.read;
    state.writes = request.write || request.truncate;
    state.flags = request.flags;
    return std::unique_ptr<Descriptor>(new VolumeFile(std::move(state), &volume));
}

std::string VolumeFile::description() const {
    return fmt::format("file {} ({})", state_.place.description(),
                       text_of_access(state_.reads, state_.writes, state_.flags));
}

Result<ByteVector> VolumeFile::capture() {
    ByteWriter writer;
    put(writer, state_.place);
    writer.put(static_cast<std::uint8_t>(state_.reads));
    writer.put(static_cast<std::uint8_t>(state_.writes));
    writer.put(state_.flags);
    writer.put(state_.offset);
    return writer.take();
}

Result<std::unique_ptr<Service>> VolumeFile::restore(Bytes bytes) {
    ByteReader reader(bytes, "the state of a lease on a file of a volume");
    State state;
    state.place = TRY(get_volume_place(reader));
    const auto reads = TRY(reader.get<std::uint8_t>());
    const auto writes = TRY(reader.get<std::uint8_t>());
    state.flags = TRY(reader.get<DescriptorFlags>());
    state.offset = TRY(reader.get<std::uint64_t>());
    TRY(reader.expect_end());
    if (reads > 1 || writes > 1 || (writes == 1 && state.place.is_read_only) ||
        state.flags > kDescriptorFlags || state.offset > kOffsetMax)
        return fail(ErrorCode::corrupt, "a saved file of a volume is open in an impossible way");
    state.reads = reads == 1;
    state.writes = writes == 1;
    return std::unique_ptr<Service>(new VolumeFile(std::move(state), nullptr));
}

Result<void> VolumeFile::reacquire(const Host& host) {
    volume_ = TRY(state_.place.mount(host, FileType::regular_file));
    return {};
}

void VolumeFile::let_go() {
    if (volume_ != nullptr) volume_->close(state_.place.inode);
}

Errno VolumeFile::set_flags(DescriptorFlags flags) {
    constexpr DescriptorFlags kChangeable = kAppend | kNonBlocking;
    if (((flags ^ state_.flags) & ~kChangeable) != 0) return Errno::notsup;
    state_.flags = flags;
    return Errno::success;
}

Errno VolumeFile::set_size(std::uint64_t size_bytes) {
    if (!state_.writes) return state_.place.is_read_only ? Errno::rofs : Errno::inval;
    return volume_->set_size(state_.place.inode, size_bytes).error();
}

Errno VolumeFile::set_times(const Times& times) {
    if (state_.place.is_read_only) return Errno::rofs;
    return volume_->set_times(state_.place.inode, times).error();
}

Answer<std::size_t> VolumeFile::read(std::span<const iovec> buffers, Waiting) {
    const std::size_t count = TRY(read_at(buffers, state_.offset));
    state_.offset += count;
    return count;
}

Answer<std::size_t> VolumeFile::write(std::span<const iovec> buffers, Waiting) {
    std::uint64_t offset = state_.offset;
    if ((state_.flags & kAppend) != 0 && state_.writes) offset = TRY(status()).size_bytes;
    const std::size_t count = TRY(write_at(buffers, offset));
    // A write of nothing does not go to the end to append.
    if (count > 0) state_.offset = offset + count;
    return count;
}

Answer<std::uint64_t> VolumeFile::seek(std::int64_t offset, Whence whence) {
    std::uint64_t base = whence == Whence::current ? state_.offset : 0;
    if (whence == Whence::end) base = TRY(status()).size_bytes;
    state_.offset = TRY(position_from(base, offset));
    return state_.offset;
}

Answer<std::size_t> VolumeFile::read_at(std::span<const iovec> buffers, std::uint64_t offset) {
    if (!state_.reads) return Errno::badf;
    if (offset > kOffsetMax) return Errno::inval;
    return volume_->read(state_.place.inode, offset, buffers);
}

Answer<std::size_t> VolumeFile::write_at(std::span<const iovec> buffers, std::uint64_t offset) {
    if (!state_.writes) return Errno::badf;
    if (offset > kOffsetMax) return Errno::inval;
    return volume_->write(state_.place.inode, offset, buffers);
}

Errno VolumeFile::advise(std::uint64_t offset, std::uint64_t length, int) {
    return is_range(offset, length) ? Errno::success : Errno::inval;
}

Errno VolumeFile::allocate(std::uint64_t offset, std::uint64_t length) {
    if (!state_.writes) return Errno::badf;
    if (!is_range(offset, length) || length == 0) return Errno::inval;
    return volume_->allocate(state_.place.inode, offset, length).error();
}

std::uint64_t VolumeFile::readable_bytes() const {
    auto now = status();
    return now.ok() ? now->size_bytes - std::min(now->size_bytes, state_.offset) : 0;
}

}  // namespace sojourn::leases
