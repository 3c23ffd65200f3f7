#include <algorithm>

#include "vm/host/internal/wasi.hpp"

/// What is done to names below a directory.
namespace sojourn::vm {

using leases::Directory;

namespace {

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

/// Of the directory. kFdSync takes the place of kFdDatasync.
std::uint64_t rights_to_open(std::uint32_t how, std::uint32_t flags, std::uint64_t held) {
    std::uint64_t needed = rights::kPathOpen;
    if ((how & kOpenCreate) != 0) needed |= rights::kPathCreateFile;
    if ((how & kOpenTruncate) != 0) needed |= rights::kPathFilestatSetSize;
    if ((flags & (leases::kSync | leases::kReadSync)) != 0) needed |= rights::kFdSync;
    const bool syncs_data = (flags & leases::kDataSync) != 0 && (held & rights::kFdSync) == 0;
    if (syncs_data) needed |= rights::kFdDatasync;
    return needed;
}

/// What a descriptor of that type can be given of what was asked for.
DescriptorEntry entry_of(leases::FileType type, std::uint64_t rights,
                         std::uint64_t rights_inheriting) {
    if (type != leases::FileType::directory) return {.rights = rights & rights::kFile};
    return {.rights = rights & rights::kDirectory,
            .rights_inheriting = rights_inheriting & rights::kAll};
}

/// Whether `entry` has no more than what is opened through `parent` may have.
bool is_granted(const DescriptorEntry& entry, const DescriptorEntry& parent) {
    return ((entry.rights | entry.rights_inheriting) & ~parent.rights_inheriting) == 0;
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
    if (lookup > kLookupFollow || how > kOpenAll || flags > leases::kDescriptorFlags)
        return Errno::inval;
    auto row = entry(fd, rights::kNone);
    if (!row.ok()) return row.error();
    const DescriptorEntry parent = **row;
    auto at = resolve(fd, rights_to_open(how, flags, parent.rights), path, length);
    if (!at.ok()) return at.error();
    if (!can_open_more()) return Errno::mfile;

    // Only a regular file is created or truncated: then nothing may happen before the refusal.
    const bool changes = (how & (kOpenCreate | kOpenTruncate)) != 0;
    const auto as_file = entry_of(leases::FileType::regular_file, rights, rights_inheriting);
    if (changes && !is_granted(as_file, parent)) return Errno::notcapable;
    auto service = at->directory->open(at->path, open_request_of(lookup, how, rights, flags));
    if (!service.ok()) return service.error();
    DescriptorEntry entry = entry_of((*service)->type(), rights, rights_inheriting);
    if (!is_granted(entry, parent)) return Errno::notcapable;
    entry.lease = state_.leases.grant(std::move(*service));
    return memory_.write(opened, state_.descriptors.add(entry));
}

Errno Wasi::path_create_directory(Fd fd, Address path, Size length) {
    auto at = resolve(fd, rights::kPathCreateDirectory, path, length);
    if (!at.ok()) return at.error();
    return at->directory->create_directory(at->path);
}

Errno Wasi::path_filestat_get(Fd fd, Flags lookup, Address path, Size length, Address status) {
    if (lookup > kLookupFollow) return Errno::inval;
    auto at = resolve(fd, rights::kPathFilestatGet, path, length);
    if (!at.ok()) return at.error();
    return put_file_status(status,
                           at->directory->status_of(at->path, (lookup & kLookupFollow) != 0));
}

Errno Wasi::path_filestat_set_times(Fd fd, Flags lookup, Address path, Size length,
                                    std::uint64_t accessed_ns, std::uint64_t modified_ns,
                                    Flags which) {
    if (lookup > kLookupFollow) return Errno::inval;
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
    // To follow would be to link what lies elsewhere.
    if (lookup != 0) return Errno::inval;
    return from->directory->link(from->path, *target->directory, target->path);
}

/// What is open by a name that is about to go must not need the name to be found again.
void Wasi::hold_what_is_at(const DirectoryAndPath& at) {
    if (const auto place = at.directory->place_of(at.path)) state_.leases.hold_what_is_at(*place);
}

Errno Wasi::path_rename(Fd fd, Address path, Size length, Fd to, Address new_path,
                        Size new_length) {
    auto from = resolve(fd, rights::kPathRenameSource, path, length);
    if (!from.ok()) return from.error();
    auto target = resolve(to, rights::kPathRenameTarget, new_path, new_length);
    if (!target.ok()) return target.error();
    hold_what_is_at(*target);
    const Errno error = from->directory->rename(from->path, *target->directory, target->path);
    if (error != Errno::success) return error;
    const auto old_place = from->directory->place_of(from->path);
    const auto new_place = target->directory->place_of(target->path);
    if (old_place && new_place) state_.leases.follow_rename(*old_place, *new_place);
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
    hold_what_is_at(*at);
    return at->directory->unlink_file(at->path);
}

/// A guest that begins many lists and ends none must not fill our memory: the older ones are made
/// again when it reads on in them.
void Wasi::bound_listings(const Directory& newest) {
    std::vector<Directory*> others;
    std::size_t listed = newest.listed_count();
    for (const auto& [number, entry] : state_.descriptors) {
        leases::Service* service = state_.leases.find(entry.lease);
        if (service == nullptr || service == &newest) continue;
        if (!leases::is_directory(service->kind())) continue;
        others.push_back(static_cast<Directory*>(service));
        listed += others.back()->listed_count();
    }
    if (listed <= leases::kListedEntriesMax) return;
    for (Directory* other : others)
        other->end_listing();
}

/// Entries that do not fit are cut off in their middle: a full buffer tells the guest to go on.
Errno Wasi::fd_readdir(Fd fd, Address buffer, Size length, std::uint64_t cookie, Address used) {
    if (!memory_.contains(buffer, length) || !memory_.contains_word(used)) return Errno::fault;
    auto listed = directory(fd, rights::kFdReaddir);
    if (!listed.ok()) return listed.error();
    auto entries = (*listed)->entries_from(cookie);
    if (!entries.ok()) return entries.error();
    if (cookie == 0) bound_listings(**listed);

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
