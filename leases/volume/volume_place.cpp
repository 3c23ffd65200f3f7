#include "leases/volume/volume_place.hpp"

namespace sojourn::leases {

std::string VolumePlace::description() const {
    return fmt::format("{}:/{}", volume, path);
}

VolumePlace VolumePlace::below(std::string_view relative, InodeIndex opened) const {
    VolumePlace place = *this;
    if (!place.path.empty()) place.path += '/';
    place.path += relative;
    place.inode = opened;
    return place;
}

Result<Volume*> VolumePlace::mount(const Host& host, FileType type) const {
    if (host.volumes == nullptr)
        return fail(ErrorCode::not_found, "there are no volumes, and so no '{}'", volume);
    Volume* mounted = TRY(host.volumes->find(disk));
    if (mounted->name() == volume && mounted->expect_open(inode, type).ok()) return mounted;
    return fail(ErrorCode::corrupt, "{} is not open in that volume", description());
}

Answer<FileStatus> VolumePlace::status(const Volume& mounted) const {
    // The numbers of host devices have no bit as high.
    constexpr std::uint64_t kVolumeDevice = std::uint64_t{1} << 62U;
    FileStatus status = TRY(mounted.status(inode));
    status.device = kVolumeDevice | static_cast<std::uint64_t>(disk);
    return status;
}

void put(ByteWriter& writer, const VolumePlace& place) {
    writer.put(place.disk);
    writer.put_sized(std::string_view(place.volume));
    writer.put_sized(std::string_view(place.path));
    writer.put(place.inode);
    writer.put(static_cast<std::uint8_t>(place.is_read_only));
}

Result<VolumePlace> get_volume_place(ByteReader& reader) {
    VolumePlace place;
    place.disk = TRY(reader.get<DiskId>());
    place.volume = TRY(reader.get_string());
    place.path = TRY(reader.get_string());
    place.inode = TRY(reader.get<InodeIndex>());
    const auto is_read_only = TRY(reader.get<std::uint8_t>());
    if (!is_volume_name(place.volume) || is_read_only > 1)
        return fail(ErrorCode::corrupt, "a saved lease is of a volume that can't be");
    place.is_read_only = is_read_only == 1;
    return place;
}

}  // namespace sojourn::leases
