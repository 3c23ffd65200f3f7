#include "leases/volume/volume.hpp"

#include <algorithm>
#include <sys/stat.h>

#include "leases/volume/internal/parts.hpp"

namespace sojourn::leases {

using volume::Blocks;
using volume::BlockTree;
using volume::Inode;
using volume::InodeType;
using volume::kBlockBytes;
using volume::kFileBytesMax;

namespace {

std::uint64_t nanoseconds_of(const timespec& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec);
}

std::uint64_t blocks_for(std::uint64_t size_bytes) {
    return (size_bytes + kBlockBytes - 1) / kBlockBytes;
}

MutableBytes bytes_of(const iovec& buffer) {
    return {static_cast<std::byte*>(buffer.iov_base), buffer.iov_len};
}

}  // namespace

bool is_volume_name(std::string_view name) {
    const auto is_alphanumeric = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    return !name.empty() && name.size() <= volume::kVolumeNameBytesMax &&
           is_alphanumeric(name.front()) && std::ranges::all_of(name, [&](char c) {
               return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
           });
}

Volume::Volume(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Volume::~Volume() = default;

Result<std::unique_ptr<Volume>> Volume::format(Disk& disk, const Clock& clock,
                                               std::string_view name) {
    EXPECTS(is_volume_name(name), "whoever asks for a volume checks its name");
    auto parts = std::make_unique<Parts>(TRY(Blocks::format(disk, name)), clock);
    const auto root = parts->inodes.add(parts->new_inode(InodeType::directory));
    if (!root.ok()) return fail(ErrorCode::out_of_memory, "there is no room for volume '{}'", name);
    return std::unique_ptr<Volume>(new Volume(std::move(parts)));
}

Result<std::unique_ptr<Volume>> Volume::mount(Disk& disk, const Clock& clock) {
    auto parts = std::make_unique<Parts>(TRY(Blocks::mount(disk)), clock);
    std::unique_ptr<Volume> mounted(new Volume(std::move(parts)));
    if (is_volume_name(mounted->name()) && mounted->parts_->load_directory(kRootInode).ok())
        return mounted;
    return fail(ErrorCode::corrupt, "a volume has no name, or no root");
}

std::string Volume::name() const {
    const auto& name = parts_->blocks.superblock().name;
    return {name.begin(), std::ranges::find(name, '\0')};
}

std::uint64_t Volume::size_bytes_max() const {
    return parts_->blocks.superblock().block_count_max * kBlockBytes;
}

std::uint64_t Volume::used_bytes() const {
    return size_bytes_max() - parts_->blocks.available_count() * kBlockBytes;
}

Answer<void> Volume::expect_open(InodeIndex index, FileType type) const {
    const Inode inode = TRY(parts_->inodes.load(index));
    const bool is_it = inode.open_count > 0 && file_type_of(inode.type) == type;
    return is_it ? Answer<void>() : Errno::stale;
}

Answer<void> Volume::open_again(InodeIndex index, FileType type) {
    TRY(expect_open(index, type));
    Inode inode = TRY(parts_->inodes.load(index));
    if (inode.open_count == UINT32_MAX) return Errno::mfile;
    ++inode.open_count;
    return parts_->inodes.save(index, inode);
}

void Volume::close(InodeIndex index) {
    auto inode = parts_->inodes.load(index);
    if (!inode.ok() || inode->open_count == 0) return;
    --inode->open_count;
    const auto saved = parts_->inodes.save(index, *inode);
    // What can't be written stays open on the disk, which is all that is lost.
    if (saved.ok() && inode->open_count == 0 && inode->link_count == 0)
        static_cast<void>(parts_->inodes.remove(index));
}

Answer<FileStatus> Volume::status(InodeIndex index) const {
    const Inode inode = TRY(parts_->inodes.load(index));
    return FileStatus{
        .inode = static_cast<std::uint64_t>(index),
        .type = file_type_of(inode.type),
        .link_count = inode.link_count,
        .size_bytes = inode.size_bytes,
        .accessed_ns = inode.accessed_ns,
        .modified_ns = inode.modified_ns,
        .changed_ns = inode.changed_ns,
    };
}

Answer<void> Volume::set_times(InodeIndex index, const Times& times) {
    Inode inode = TRY(parts_->inodes.load(index));
    const std::uint64_t now_ns = parts_->clock.realtime_ns();
    const auto set = [&](std::uint64_t& time_ns, const timespec& time) {
        if (time.tv_nsec == UTIME_OMIT) return;
        time_ns = time.tv_nsec == UTIME_NOW ? now_ns : nanoseconds_of(time);
    };
    set(inode.accessed_ns, times[0]);
    set(inode.modified_ns, times[1]);
    inode.changed_ns = now_ns;
    return parts_->inodes.save(index, inode);
}

Answer<std::vector<DirectoryEntry>> Volume::list(InodeIndex directory) const {
    Inode inode = TRY(parts_->load_directory(directory));
    const auto names = TRY(volume::Names(parts_->blocks, inode).list(kListedEntriesMax - 2));
    std::vector<DirectoryEntry> entries;
    // What lies above is not shown.
    for (const char* self : {".", ".."}) {
        entries.push_back({.name = self,
                           .inode = static_cast<std::uint64_t>(directory),
                           .type = FileType::directory});
    }
    for (const volume::Name& name : names) {
        entries.push_back({.name = name.name,
                           .inode = static_cast<std::uint64_t>(name.inode),
                           .type = file_type_of(name.type)});
    }
    return entries;
}

Answer<std::size_t> Volume::read(InodeIndex file, std::uint64_t offset,
                                 std::span<const iovec> buffers) const {
    Inode inode = TRY(parts_->load_file(file));
    const BlockTree content(parts_->blocks, inode.content);
    std::size_t done = 0;
    for (const iovec& buffer : buffers) {
        const std::uint64_t left = inode.size_bytes - std::min(inode.size_bytes, offset + done);
        const auto part = bytes_of(buffer).first(std::min<std::uint64_t>(left, buffer.iov_len));
        TRY(content.read(offset + done, part));
        done += part.size();
        if (part.size() < buffer.iov_len) break;
    }
    return done;
}

Answer<std::size_t> Volume::write(InodeIndex file, std::uint64_t offset,
                                  std::span<const iovec> buffers) {
    Inode inode = TRY(parts_->load_file(file));
    BlockTree content(parts_->blocks, inode.content);
    std::size_t done = 0;
    Errno error = Errno::success;
    for (const iovec& buffer : buffers) {
        const std::uint64_t left = kFileBytesMax - std::min(kFileBytesMax, offset + done);
        const auto part = bytes_of(buffer).first(std::min<std::uint64_t>(left, buffer.iov_len));
        if (part.empty() && buffer.iov_len > 0) error = Errno::fbig;
        auto written = content.write(offset + done, part);
        if (!written.ok()) error = written.error();
        done += written.ok() ? *written : 0;
        if (!written.ok() || *written < buffer.iov_len) break;
    }
    if (done > 0) {
        inode.size_bytes = std::max(inode.size_bytes, offset + done);
        inode.modified_ns = inode.changed_ns = parts_->clock.realtime_ns();
    }
    // A failed write may have taken blocks.
    TRY(parts_->inodes.save(file, inode));
    return done == 0 && error != Errno::success ? Answer<std::size_t>(error) : done;
}

Answer<void> Volume::set_size(InodeIndex file, std::uint64_t size_bytes) {
    if (size_bytes > kFileBytesMax) return Errno::fbig;
    Inode inode = TRY(parts_->load_file(file));
    if (size_bytes < inode.size_bytes) {
        BlockTree content(parts_->blocks, inode.content);
        const Answer<void> cut = content.cut(blocks_for(size_bytes));
        // What lies behind the end is zeros, should the file become longer again.
        const std::uint64_t behind = size_bytes % kBlockBytes;
        if (cut.ok() && behind != 0) TRY(content.clear(size_bytes, kBlockBytes - behind));
        if (!cut.ok()) return cut;
    }
    inode.size_bytes = size_bytes;
    inode.modified_ns = inode.changed_ns = parts_->clock.realtime_ns();
    return parts_->inodes.save(file, inode);
}

Answer<void> Volume::allocate(InodeIndex file, std::uint64_t offset, std::uint64_t length) {
    if (offset > kFileBytesMax || length > kFileBytesMax - offset) return Errno::fbig;
    Inode inode = TRY(parts_->load_file(file));
    if (length > size_bytes_max()) return Errno::nospc;
    BlockTree content(parts_->blocks, inode.content);
    const Answer<void> reserved = content.reserve(offset, length);
    if (reserved.ok()) {
        inode.size_bytes = std::max(inode.size_bytes, offset + length);
        inode.modified_ns = inode.changed_ns = parts_->clock.realtime_ns();
    }
    TRY(parts_->inodes.save(file, inode));
    return reserved;
}

Answer<std::uint64_t> Volume::next_data(InodeIndex file, std::uint64_t offset) const {
    Inode inode = TRY(parts_->load_file(file));
    const BlockTree content(parts_->blocks, inode.content);
    while (offset < inode.size_bytes) {
        const auto run = TRY(content.find(offset / kBlockBytes, blocks_for(inode.size_bytes)));
        if (run.first != volume::kNoBlock) return offset;
        offset = (offset / kBlockBytes + run.count) * kBlockBytes;
    }
    return inode.size_bytes;
}

}  // namespace sojourn::leases
