#include "leases/descriptor.hpp"

namespace sojourn::leases {

namespace {

std::uint64_t guest_time_of(const timespec& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

FileType file_type_of(mode_t mode) {
    if (S_ISREG(mode)) return FileType::regular_file;
    if (S_ISDIR(mode)) return FileType::directory;
    if (S_ISLNK(mode)) return FileType::symbolic_link;
    if (S_ISCHR(mode)) return FileType::character_device;
    if (S_ISBLK(mode)) return FileType::block_device;
    if (S_ISSOCK(mode)) return FileType::socket_stream;
    return FileType::unknown;
}

FileStatus file_status_of(const struct stat& status) {
    return {
        .device = status.st_dev,
        .inode = status.st_ino,
        .type = file_type_of(status.st_mode),
        .link_count = status.st_nlink,
        .size_bytes = static_cast<std::uint64_t>(status.st_size),
        .accessed_ns = guest_time_of(status.st_atim),
        .modified_ns = guest_time_of(status.st_mtim),
        .changed_ns = guest_time_of(status.st_ctim),
    };
}

Answer<std::uint64_t> position_from(std::uint64_t base, std::int64_t offset) {
    std::int64_t position = 0;
    if (__builtin_add_overflow(static_cast<std::int64_t>(base), offset, &position))
        return Errno::overflow;
    if (position < 0) return Errno::inval;
    return static_cast<std::uint64_t>(position);
}

std::string_view text_of_access(bool reads, bool writes, DescriptorFlags flags) {
    if (!writes) return "read";
    if ((flags & kAppend) != 0) return "append";
    return reads ? "read, write" : "write";
}

Errno Descriptor::set_flags(DescriptorFlags flags) {
    return flags == this->flags() ? Errno::success : Errno::notsup;
}
Errno Descriptor::set_size(std::uint64_t) {
    return Errno::inval;
}
Errno Descriptor::set_times(const Times&) {
    return Errno::notsup;
}
Answer<std::size_t> Descriptor::read(std::span<const iovec>, Waiting) {
    return Errno::badf;
}
Answer<std::size_t> Descriptor::write(std::span<const iovec>, Waiting) {
    return Errno::badf;
}
Answer<std::uint64_t> Descriptor::seek(std::int64_t, Whence) {
    return Errno::spipe;
}
Answer<std::size_t> Descriptor::read_at(std::span<const iovec>, std::uint64_t) {
    return Errno::spipe;
}
Answer<std::size_t> Descriptor::write_at(std::span<const iovec>, std::uint64_t) {
    return Errno::spipe;
}
Answer<std::unique_ptr<Descriptor>> Descriptor::accept(DescriptorFlags) {
    return Errno::notsock;
}
Answer<std::size_t> Descriptor::receive(std::span<const iovec>, Receive, Waiting) {
    return Errno::notsock;
}
Errno Descriptor::shut_down(Direction) {
    return Errno::notsock;
}
Errno Descriptor::advise(std::uint64_t, std::uint64_t, int) {
    return Errno::spipe;
}
Errno Descriptor::allocate(std::uint64_t, std::uint64_t) {
    return Errno::spipe;
}
Errno Descriptor::sync() {
    return Errno::inval;
}
Errno Descriptor::sync_data() {
    return sync();
}

}  // namespace sojourn::leases
