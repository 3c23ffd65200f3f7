#include "leases/volume/internal/parts.hpp"

namespace sojourn::leases {

using volume::BlockTree;
using volume::Inode;
using volume::InodeType;
using volume::Name;
using volume::Names;

FileType volume::file_type_of(InodeType type) {
    switch (type) {
        case InodeType::file:
            return FileType::regular_file;
        case InodeType::directory:
            return FileType::directory;
        case InodeType::link:
            return FileType::symbolic_link;
        case InodeType::free:
            break;
    }
    return FileType::unknown;
}

Answer<Inode> Volume::Parts::load_directory(InodeIndex index) const {
    const Inode inode = TRY(inodes.load(index));
    return inode.type == InodeType::directory ? Answer<Inode>(inode) : Errno::notdir;
}

Answer<Inode> Volume::Parts::load_file(InodeIndex index) const {
    const Inode inode = TRY(inodes.load(index));
    if (inode.type == InodeType::file) return inode;
    return inode.type == InodeType::directory ? Errno::isdir : Errno::inval;
}

Answer<std::optional<Name>> Volume::Parts::find_name(InodeIndex directory,
                                                     std::string_view name) const {
    Inode inode = TRY(load_directory(directory));
    if (name.size() > volume::kNameBytesMax) return Errno::nametoolong;
    return Names(blocks, inode).find(name);
}

template <typename Change>
Answer<void> Volume::Parts::change_names(InodeIndex directory, const Change& change) {
    Inode inode = TRY(load_directory(directory));
    if (inode.link_count == 0) return Errno::noent;
    Names names(blocks, inode);
    const Answer<void> changed = change(names);
    if (changed.ok()) inode.modified_ns = inode.changed_ns = clock.realtime_ns();
    // A failed change may have taken blocks.
    TRY(inodes.save(directory, inode));
    return changed;
}

Answer<void> Volume::Parts::add_name(InodeIndex directory, const Name& name) {
    return change_names(directory, [&](Names& names) { return names.add(name); });
}

Answer<void> Volume::Parts::change_name(InodeIndex directory, const Name& name) {
    return change_names(directory, [&](Names& names) { return names.change(name); });
}

Answer<void> Volume::Parts::remove_name(InodeIndex directory, std::string_view name) {
    return change_names(directory, [&](Names& names) { return names.remove(name); });
}

Inode Volume::Parts::new_inode(InodeType type) const {
    Inode inode{};
    inode.type = type;
    inode.link_count = 1;
    inode.accessed_ns = inode.modified_ns = inode.changed_ns = clock.realtime_ns();
    return inode;
}

Answer<InodeIndex> Volume::Parts::create(InodeIndex directory, std::string_view name, Inode inode,
                                         Bytes content) {
    const InodeIndex index = TRY(inodes.add(inode));
    Answer<void> made = BlockTree(blocks, inode.content).write_whole(0, content);
    TRY(inodes.save(index, inode));
    if (made.ok()) made = add_name(directory, {std::string(name), index, inode.type});
    if (made.ok()) return index;
    TRY(inodes.remove(index));
    return made.error();
}

Answer<void> Volume::Parts::drop_name_of(InodeIndex index) {
    Inode inode = TRY(inodes.load(index));
    if (inode.link_count == 0) return Errno::io;
    --inode.link_count;
    if (inode.link_count == 0 && inode.open_count == 0) return inodes.remove(index);
    inode.changed_ns = clock.realtime_ns();
    return inodes.save(index, inode);
}

Answer<std::string> Volume::Parts::link_target(InodeIndex link) const {
    Inode inode = TRY(inodes.load(link));
    if (inode.type != InodeType::link) return Errno::inval;
    std::string target(inode.size_bytes, '\0');
    TRY(BlockTree(blocks, inode.content).read(0, std::as_writable_bytes(std::span(target))));
    return target;
}

}  // namespace sojourn::leases
