#include "leases/volume/internal/name_walk.hpp"
#include "leases/volume/volume.hpp"

/// What is done to names in a volume. Answers what Linux does, in the order in which it looks.
namespace sojourn::leases {

using volume::Destination;
using volume::Inode;
using volume::InodeType;
using volume::LastLink;
using volume::Name;
using volume::walk;
using volume::walk_to_name;

namespace {

/// Directories above a directory. More of them are a way up that has no end.
constexpr std::uint32_t kDepthMax = std::uint32_t{1} << 20U;

bool is_directory(const std::optional<Name>& name) {
    return name && name->type == InodeType::directory;
}

/// Nothing is made in a directory that was removed.
Answer<void> expect_takes_names(const Volume::Parts& parts, InodeIndex directory) {
    const Inode inode = TRY(parts.load_directory(directory));
    return inode.link_count == 0 ? Errno::noent : Errno::success;
}

/// Whether `directory` is `above` or lies below it. Errors: io when the way up has no end.
Answer<bool> is_within(const Volume::Parts& parts, InodeIndex directory, InodeIndex above) {
    for (std::uint32_t step = 0; step < kDepthMax; ++step) {
        if (directory == above) return true;
        if (directory == kRootInode) return false;
        directory = TRY(parts.load_directory(directory)).next;
    }
    return Errno::io;
}

/// What an existing thing says to a request.
Answer<void> check_opening(const OpenRequest& request, InodeType type, bool names_directory) {
    if (request.create && request.exclusive) return Errno::exist;
    switch (type) {
        case InodeType::link:
            return request.directory ? Errno::notdir : Errno::loop;
        case InodeType::directory: {
            const bool writes = !request.directory && (request.write || request.truncate);
            return writes || request.create ? Errno::isdir : Errno::success;
        }
        case InodeType::file:
            return request.directory || names_directory ? Errno::notdir : Errno::success;
        case InodeType::free:
            break;
    }
    return Errno::io;
}

/// What may take the place of `replaced`.
Answer<void> check_replacing(const Volume::Parts& parts, const Destination& from,
                             const Name& replaced) {
    const bool moves_directory = is_directory(from.found);
    if (replaced.type != InodeType::directory)
        return moves_directory ? Errno::notdir : Errno::success;
    const bool lies_below = TRY(is_within(parts, from.directory, replaced.inode));
    if (!moves_directory && !lies_below) return Errno::isdir;
    const Inode inode = TRY(parts.load_directory(replaced.inode));
    return inode.used_bytes == 0 && !lies_below ? Errno::success : Errno::notempty;
}

}  // namespace

Answer<Volume::Opened> Volume::open(InodeIndex directory, std::string_view path,
                                    const OpenRequest& request) {
    const bool follows = request.follow && !(request.create && request.exclusive);
    const auto at = TRY(walk(*parts_, directory, path, follows ? LastLink::follow : LastLink::keep,
                             request.create ? volume::Purpose::create : volume::Purpose::find));
    const bool is_new = !at.name.empty() && !at.found;
    if (is_new && !request.create) return Errno::noent;
    if (request.create && !at.name.empty() && at.names_directory) return Errno::isdir;
    if (is_new) {
        Inode inode = parts_->new_inode(InodeType::file);
        inode.open_count = 1;
        const InodeIndex index = TRY(parts_->create(at.directory, at.name, inode));
        return Opened{index, FileType::regular_file};
    }
    const InodeIndex index = at.found ? at.found->inode : at.directory;
    Inode inode = TRY(parts_->inodes.load(index));
    TRY(check_opening(request, inode.type, at.names_directory));
    if (request.truncate && inode.type == InodeType::file) {
        TRY(set_size(index, 0));
        inode = TRY(parts_->inodes.load(index));
    }
    if (inode.open_count == UINT32_MAX) return Errno::mfile;
    ++inode.open_count;
    TRY(parts_->inodes.save(index, inode));
    return Opened{index, file_type_of(inode.type)};
}

Answer<Volume::Opened> Volume::find(InodeIndex directory, std::string_view path,
                                    bool follow) const {
    const auto at = TRY(walk(*parts_, directory, path, follow ? LastLink::follow : LastLink::keep));
    if (at.name.empty()) return Opened{at.directory, FileType::directory};
    if (!at.found) return Errno::noent;
    if (at.names_directory && !is_directory(at.found)) return Errno::notdir;
    const Inode inode = TRY(parts_->inodes.load(at.found->inode));
    return Opened{at.found->inode, file_type_of(inode.type)};
}

Answer<void> Volume::create_directory(InodeIndex directory, std::string_view path) {
    const auto at = walk_to_name(*parts_, directory, path);
    if (!at.ok()) return at.error() == Errno::inval ? Errno::exist : at.error();
    const Destination where = TRY(at);
    if (where.found) return Errno::exist;
    Inode inode = parts_->new_inode(InodeType::directory);
    inode.next = where.directory;
    TRY(parts_->create(where.directory, where.name, inode));
    return {};
}

Answer<void> Volume::remove_directory(InodeIndex directory, std::string_view path) {
    const auto at = TRY(walk_to_name(*parts_, directory, path));
    if (!at.found) return Errno::noent;
    if (!is_directory(at.found)) return Errno::notdir;
    const Inode inode = TRY(parts_->load_directory(at.found->inode));
    if (inode.used_bytes != 0) return Errno::notempty;
    TRY(parts_->remove_name(at.directory, at.name));
    return parts_->drop_name_of(at.found->inode);
}

Answer<void> Volume::unlink_file(InodeIndex directory, std::string_view path) {
    const auto at = TRY(walk_to_name(*parts_, directory, path));
    if (at.names_directory) {
        const Opened found = TRY(find(directory, path, /*follow=*/false));
        return found.type == FileType::directory ? Errno::isdir : Errno::notdir;
    }
    if (!at.found) return Errno::noent;
    if (is_directory(at.found)) return Errno::isdir;
    TRY(parts_->remove_name(at.directory, at.name));
    return parts_->drop_name_of(at.found->inode);
}

Answer<void> Volume::rename(InodeIndex directory, std::string_view path, InodeIndex new_directory,
                            std::string_view new_path) {
    const auto from = TRY(walk_to_name(*parts_, directory, path));
    const auto to = TRY(walk_to_name(*parts_, new_directory, new_path));
    if (!from.found) return Errno::noent;
    TRY(expect_takes_names(*parts_, to.directory));
    const bool moves_directory = is_directory(from.found);
    if ((from.names_directory || to.names_directory) && !moves_directory) return Errno::notdir;
    const Name moved{to.name, from.found->inode, from.found->type};
    if (moves_directory) {
        const bool is_into_itself = TRY(is_within(*parts_, to.directory, moved.inode));
        if (is_into_itself) return Errno::inval;
    }
    if (to.found && to.found->inode == moved.inode) return {};
    if (to.found) {
        TRY(check_replacing(*parts_, from, *to.found));
        TRY(parts_->change_name(to.directory, moved));
    } else {
        TRY(parts_->add_name(to.directory, moved));
    }
    TRY(parts_->remove_name(from.directory, from.name));
    if (to.found) TRY(parts_->drop_name_of(to.found->inode));
    Inode inode = TRY(parts_->inodes.load(moved.inode));
    if (moves_directory) inode.next = to.directory;
    inode.changed_ns = parts_->clock.realtime_ns();
    return parts_->inodes.save(moved.inode, inode);
}

Answer<void> Volume::link(InodeIndex directory, std::string_view path, InodeIndex new_directory,
                          std::string_view new_path) {
    const auto from = TRY(walk_to_name(*parts_, directory, path));
    const auto to = TRY(walk_to_name(*parts_, new_directory, new_path));
    if (from.names_directory) return Errno::notdir;
    if (!from.found || to.names_directory) return Errno::noent;
    TRY(expect_takes_names(*parts_, to.directory));
    if (to.found) return Errno::exist;
    if (is_directory(from.found)) return Errno::perm;
    Inode inode = TRY(parts_->inodes.load(from.found->inode));
    if (inode.link_count == UINT32_MAX) return Errno::mlink;
    TRY(parts_->add_name(to.directory, {to.name, from.found->inode, from.found->type}));
    ++inode.link_count;
    inode.changed_ns = parts_->clock.realtime_ns();
    return parts_->inodes.save(from.found->inode, inode);
}

Answer<void> Volume::symlink(std::string_view target, InodeIndex directory, std::string_view path) {
    if (target.empty()) return Errno::noent;
    if (target.find('\0') != std::string_view::npos) return Errno::inval;
    // It could not be followed.
    if (target.front() == '/') return Errno::perm;
    if (target.size() > volume::kLinkBytesMax) return Errno::nametoolong;
    const auto at = TRY(walk_to_name(*parts_, directory, path));
    if (at.names_directory) return Errno::noent;
    if (at.found) return Errno::exist;
    Inode inode = parts_->new_inode(InodeType::link);
    inode.size_bytes = target.size();
    TRY(parts_->create(at.directory, at.name, inode, as_bytes(target)));
    return {};
}

Answer<std::string> Volume::read_link(InodeIndex directory, std::string_view path) const {
    const Opened found = TRY(find(directory, path, /*follow=*/false));
    return found.type == FileType::symbolic_link ? parts_->link_target(found.inode) : Errno::inval;
}

}  // namespace sojourn::leases
