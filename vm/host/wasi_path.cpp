#include <algorithm>

#include "vm/host/internal/wasi.hpp"

/// What is done to names below a directory.
namespace sojourn::vm {

using leases::Directory;

namespace {

constexpr std::uint32_t kDescriptorsMax = 1U << 20U;

leases::OpenRequest open_request_of(std::uint32_t lookup, std::uint32_t how, std::uint64_t rights,
                                    std::uint32_t flags) {
    constexpr std::uint64_t kReads = rights::kFdRead | rights::kFdReaddir;
    constexpr std::uint64_t kWrites =
        rights::kFdWrite | rights::kFdAllocate | rights::kFdFilestatSetSize;
    return {
        .follow = (lookup & kLookupFollow) != 0,
        .create = (how & kOpenCreate) != 0,
        .directory = (how & kOpenDirectory) != 0,
        .exclusive = (how & kOpenExclusive) != 0,
        .truncate = (how & kOpenTruncate) != 0,
        .read = (rights & kReads) != 0,
        .write = (rights & kWrites) != 0,
        .flags = static_cast<leases::DescriptorFlags>(flags),
    };
}

std::uint64_t rights_to_open(std::uint32_t how) {
    std::uint64_t needed = rights::kPathOpen;
    if ((how & kOpenCreate) != 0) needed |= rights::kPathCreateFile;
    if ((how & kOpenTruncate) != 0) needed |= rights::kPathFilestatSetSize;
    return needed;
}

}  // namespace

Answer<Wasi::DirectoryAndPath> Wasi::resolve(Fd fd, std::uint64_t rights, Address path,
                                             Size length) {
    auto below = directory(fd, rights);
    if (!below.ok()) return below.error();
    auto name = memory_.read_path(path, length);
    if (!name.ok()) return name.error();
    return DirectoryAndPath{*below, std::move(*name)};
}

Errno Wasi::path_open(Fd fd, Flags lookup, Address path, Size length, Flags how,
                      std::uint64_t rights, std::uint64_t rights_inheriting, Flags flags,
                      Address opened) {
    if (!memory_.contains(opened, 4)) return Errno::fault;
    if (flags > leases::kDescriptorFlags) return Errno::inval;
    auto at = resolve(fd, rights_to_open(how), path, length);
    if (!at.ok()) return at.error();
    const std::uint64_t grantable = state_.descriptors.at(fd).rights_inheriting;
    rights &= grantable;

    std::uint32_t number = 0;
    while (state_.descriptors.contains(number))
        ++number;
    if (number >= kDescriptorsMax) return Errno::mfile;

    auto service = at->directory->open(at->path, open_request_of(lookup, how, rights, flags));
    if (!service.ok()) return service.error();
    const bool is_directory = (*service)->kind() == leases::ServiceKind::directory;
    state_.descriptors[number] = {
        .lease = state_.leases.grant(std::move(*service), std::nullopt),
        .rights = rights & (is_directory ? rights::kDirectory : rights::kFile),
        .rights_inheriting = is_directory ? rights_inheriting & grantable : 0,
        .is_preopened = false,
    };
    return memory_.write(opened, number);
}

Errno Wasi::path_create_directory(Fd fd, Address path, Size length) {
    auto at = resolve(fd, rights::kPathCreateDirectory, path, length);
    if (!at.ok()) return at.error();
    return at->directory->create_directory(at->path);
}

Errno Wasi::path_filestat_get(Fd fd, Flags lookup, Address path, Size length, Address status) {
    auto at = resolve(fd, rights::kPathFilestatGet, path, length);
    if (!at.ok()) return at.error();
    return put_file_status(status,
                           at->directory->status_of(at->path, (lookup & kLookupFollow) != 0));
}

Errno Wasi::path_filestat_set_times(Fd fd, Flags lookup, Address path, Size length,
                                    std::uint64_t accessed_ns, std::uint64_t modified_ns,
                                    Flags which) {
    auto at = resolve(fd, rights::kPathFilestatSetTimes, path, length);
    if (!at.ok()) return at.error();
    auto times = times_of(accessed_ns, modified_ns, which);
    if (!times.ok()) return times.error();
    return at->directory->set_times_of(at->path, (lookup & kLookupFollow) != 0, *times);
}

Errno Wasi::path_link(Fd fd, Flags lookup, Address path, Size length, Fd to, Address new_path,
                      Size new_length) {
    auto from = resolve(fd, rights::kPathLinkSource, path, length);
    if (!from.ok()) return from.error();
    auto target = resolve(to, rights::kPathLinkTarget, new_path, new_length);
    if (!target.ok()) return target.error();
    if ((lookup & kLookupFollow) != 0) return Errno::inval;
    return from->directory->link(from->path, *target->directory, target->path);
}

Errno Wasi::path_rename(Fd fd, Address path, Size length, Fd to, Address new_path,
                        Size new_length) {
    auto from = resolve(fd, rights::kPathRenameSource, path, length);
    if (!from.ok()) return from.error();
    auto target = resolve(to, rights::kPathRenameTarget, new_path, new_length);
    if (!target.ok()) return target.error();
    const Errno error = from->directory->rename(from->path, *target->directory, target->path);
    if (error == Errno::success) {
        state_.leases.follow_rename(from->directory->place_of(from->path),
                                    target->directory->place_of(target->path));
    }
    return error;
}

Errno Wasi::path_symlink(Address target, Size target_length, Fd fd, Address path, Size length) {
    auto at = resolve(fd, rights::kPathSymlink, path, length);
    if (!at.ok()) return at.error();
    auto points_to = memory_.read_path(target, target_length);
    if (!points_to.ok()) return points_to.error();
    return at->directory->symlink(*points_to, at->path);
}

Errno Wasi::path_readlink(Fd fd, Address path, Size length, Address buffer, Size buffer_length,
                          Address used) {
    if (!memory_.contains(buffer, buffer_length) || !memory_.contains_word(used))
        return Errno::fault;
    auto at = resolve(fd, rights::kPathReadlink, path, length);
    if (!at.ok()) return at.error();
    auto target = at->directory->read_link(at->path);
    if (!target.ok()) return target.error();
    target->resize(std::min<std::size_t>(target->size(), buffer_length));
    const Errno error = memory_.write_bytes(buffer, as_bytes(*target));
    if (error != Errno::success) return error;
    return memory_.write_word(used, target->size());
}

Errno Wasi::path_remove_directory(Fd fd, Address path, Size length) {
    auto at = resolve(fd, rights::kPathRemoveDirectory, path, length);
    if (!at.ok()) return at.error();
    return at->directory->remove_directory(at->path);
}

Errno Wasi::path_unlink_file(Fd fd, Address path, Size length) {
    auto at = resolve(fd, rights::kPathUnlinkFile, path, length);
    if (!at.ok()) return at.error();
    return at->directory->unlink_file(at->path);
}

/// Entries that do not fit are cut off in their middle: a full buffer tells the guest to go on.
Errno Wasi::fd_readdir(Fd fd, Address buffer, Size length, std::uint64_t cookie, Address used) {
    if (!memory_.contains(buffer, length) || !memory_.contains_word(used)) return Errno::fault;
    auto listed = directory(fd, rights::kFdReaddir);
    if (!listed.ok()) return listed.error();
    auto entries = (*listed)->entries_from(cookie);
    if (!entries.ok()) return entries.error();

    ByteWriter writer;
    for (const leases::DirectoryEntry& entry : *entries) {
        if (writer.size() >= length) break;
        writer.put(GuestDirectoryEntry{
            .next_cookie = ++cookie,
            .inode = entry.inode,
            .name_length = static_cast<std::uint32_t>(entry.name.size()),
            .type = static_cast<std::uint32_t>(entry.type),
        });
        writer.put_bytes(as_bytes(entry.name));
    }
    const Bytes shown = writer.view().first(std::min<std::size_t>(writer.size(), length));
    if (shown.size() < length) (*listed)->end_listing();
    const Errno error = memory_.write_bytes(buffer, shown);
    if (error != Errno::success) return error;
    return memory_.write_word(used, shown.size());
}

}  // namespace sojourn::vm
