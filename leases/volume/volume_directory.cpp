#include "leases/volume/volume_directory.hpp"

#include "leases/volume/volume_file.hpp"

namespace sojourn::leases {

Result<std::unique_ptr<VolumeDirectory>> VolumeDirectory::grant(DiskId disk, std::string guest_name,
                                                                bool is_read_only,
                                                                const Host& host) {
    EXPECTS(host.volumes != nullptr, "who makes volumes has them");
    Volume* volume = TRY(host.volumes->find(disk));
    if (!volume->open(kRootInode, ".", {.directory = true}).ok())
        return fail(ErrorCode::corrupt, "the root of volume '{}' can't be opened", volume->name());
    State state;
    state.place = {.disk = disk, .volume = volume->name(), .path = {}};
    state.place.is_read_only = is_read_only;
    state.guest_name = std::move(guest_name);
    return std::unique_ptr<VolumeDirectory>(new VolumeDirectory(std::move(state), volume));
}

std::string VolumeDirectory::description() const {
    return fmt::format("volume {}{}", state_.place.description(),
                       state_.place.is_read_only ? " (read-only)" : "");
}

Result<ByteVector> VolumeDirectory::capture() {
    ByteWriter writer;
    put(writer, state_.place);
    writer.put_sized(std::string_view(state_.guest_name));
    put_listing(writer);
    return writer.take();
}

Result<std::unique_ptr<Service>> VolumeDirectory::restore(Bytes state) {
    ByteReader reader(state, "the state of a volume lease");
    State restored;
    restored.place = TRY(get_volume_place(reader));
    restored.guest_name = TRY(reader.get_string());
    std::unique_ptr<VolumeDirectory> directory(new VolumeDirectory(std::move(restored), nullptr));
    TRY(directory->get_listing(reader));
    TRY(reader.expect_end());
    return std::unique_ptr<Service>(std::move(directory));
}

Result<void> VolumeDirectory::reacquire(const Host& host) {
    volume_ = TRY(state_.place.mount(host, FileType::directory));
    return {};
}

void VolumeDirectory::let_go() {
    if (volume_ != nullptr) volume_->close(state_.place.inode);
}

Errno VolumeDirectory::set_times(const Times& times) {
    if (state_.place.is_read_only) return Errno::rofs;
    return volume_->set_times(state_.place.inode, times).error();
}

Answer<std::unique_ptr<Descriptor>> VolumeDirectory::open(std::string_view path,
                                                          const OpenRequest& request) {
    OpenRequest wanted = request;
    if (state_.place.is_read_only) {
        if (wanted.write || wanted.truncate || wanted.exclusive) return Errno::rofs;
        wanted.create = false;
    }
    if (wanted.create && wanted.directory) return Errno::inval;
    auto opened = volume_->open(state_.place.inode, path, wanted);
    if (!opened.ok()) {
        const bool would_create = request.create && opened.error() == Errno::noent;
        return would_create && state_.place.is_read_only ? Errno::rofs : opened.error();
    }
    VolumePlace place = state_.place.below(path, opened->inode);
    if (opened->type == FileType::regular_file)
        return VolumeFile::opened(std::move(place), wanted, *volume_);
    State state;
    state.place = std::move(place);
    return std::unique_ptr<Descriptor>(new VolumeDirectory(std::move(state), volume_));
}

Errno VolumeDirectory::create_directory(std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    return volume_->create_directory(state_.place.inode, path).error();
}

Errno VolumeDirectory::remove_directory(std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    return volume_->remove_directory(state_.place.inode, path).error();
}

Errno VolumeDirectory::unlink_file(std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    return volume_->unlink_file(state_.place.inode, path).error();
}

Errno VolumeDirectory::check_change_with(const Directory& other) const {
    if (other.kind() != kind()) return Errno::xdev;
    const auto& to = static_cast<const VolumeDirectory&>(other);
    if (to.volume_ != volume_) return Errno::xdev;
    // Also from a read-only one: a new name would be a way to write the file.
    return state_.place.is_read_only || to.state_.place.is_read_only ? Errno::rofs : Errno::success;
}

Errno VolumeDirectory::rename(std::string_view path, Directory& to, std::string_view new_path) {
    if (const Errno error = check_change_with(to); error != Errno::success) return error;
    const InodeIndex target = static_cast<VolumeDirectory&>(to).state_.place.inode;
    return volume_->rename(state_.place.inode, path, target, new_path).error();
}

Errno VolumeDirectory::link(std::string_view path, Directory& to, std::string_view new_path) {
    if (const Errno error = check_change_with(to); error != Errno::success) return error;
    const InodeIndex target = static_cast<VolumeDirectory&>(to).state_.place.inode;
    return volume_->link(state_.place.inode, path, target, new_path).error();
}

Errno VolumeDirectory::symlink(std::string_view target, std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    return volume_->symlink(target, state_.place.inode, path).error();
}

Answer<std::string> VolumeDirectory::read_link(std::string_view path) {
    return volume_->read_link(state_.place.inode, path);
}

Answer<FileStatus> VolumeDirectory::status_of(std::string_view path, bool follow) {
    const auto found = TRY(volume_->find(state_.place.inode, path, follow));
    return state_.place.below(path, found.inode).status(*volume_);
}

Errno VolumeDirectory::set_times_of(std::string_view path, bool follow, const Times& times) {
    if (state_.place.is_read_only) return Errno::rofs;
    auto found = volume_->find(state_.place.inode, path, follow);
    return found.ok() ? volume_->set_times(found->inode, times).error() : found.error();
}

Answer<std::vector<DirectoryEntry>> VolumeDirectory::list() {
    return volume_->list(state_.place.inode);
}

}  // namespace sojourn::leases
