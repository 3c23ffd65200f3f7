#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "leases/volume/volume.hpp"

namespace sojourn::leases {

/// A disk among those of its process; the same in all of the process's lives.
enum class DiskId : std::uint32_t {};

/// Where the disks of a process's volumes are.
class Disks {
public:
    virtual ~Disks() = default;
    /// A new one, empty. Errors: out_of_memory, when there are no addresses for it.
    virtual Result<DiskId> add(std::uint64_t size_bytes_max) = 0;
    /// nullptr when there is none. Good for as long as this.
    virtual Disk* find(DiskId id) = 0;
    /// In the order in which they were added.
    [[nodiscard]] virtual std::vector<DiskId> all() const = 0;
};

/// The volumes of a process, each mounted when it is first asked for. Borrows the disks and the
/// clock.
class Volumes {
public:
    Volumes(Disks& disks, const Clock& clock) : disks_(disks), clock_(clock) {}

    /// Requires: is_volume_name(name), and there is none of that name; the size is between
    /// Volume::kSmallestBytes and Volume::kLargestBytes. Errors: out_of_memory.
    Result<DiskId> create(std::string_view name, std::uint64_t size_bytes_max);
    /// Errors: not_found when there is no such disk, and as Volume::mount().
    Result<Volume*> find(DiskId id);
    /// nullopt when there is none. Errors: as Volume::mount().
    Result<std::optional<DiskId>> find(std::string_view name);
    [[nodiscard]] std::vector<DiskId> all() const { return disks_.all(); }

private:
    Disks& disks_;
    const Clock& clock_;
    std::map<DiskId, std::unique_ptr<Volume>> mounted_;
};

}  // namespace sojourn::leases
