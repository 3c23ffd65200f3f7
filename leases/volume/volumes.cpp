#include "leases/volume/volumes.hpp"

namespace sojourn::leases {

Result<DiskId> Volumes::create(std::string_view name, std::uint64_t size_bytes_max) {
    EXPECTS(size_bytes_max >= Volume::kSmallestBytes && size_bytes_max <= Volume::kLargestBytes,
            "the size of a volume has its bounds");
    const DiskId id = TRY(disks_.add(size_bytes_max));
    mounted_[id] = TRY(Volume::format(*disks_.find(id), clock_, name));
    return id;
}

Result<Volume*> Volumes::find(DiskId id) {
    const auto found = mounted_.find(id);
    if (found != mounted_.end()) return found->second.get();
    Disk* disk = disks_.find(id);
    if (disk == nullptr) {
        return fail(ErrorCode::not_found, "there is no volume {}", static_cast<std::uint32_t>(id));
    }
    auto volume = TRY(Volume::mount(*disk, clock_));
    return (mounted_[id] = std::move(volume)).get();
}

Result<std::optional<DiskId>> Volumes::find(std::string_view name) {
    for (const DiskId id : disks_.all()) {
        const Volume* volume = TRY(find(id));
        if (volume->name() == name) return std::optional(id);
    }
    return std::optional<DiskId>();
}

}  // namespace sojourn::leases
