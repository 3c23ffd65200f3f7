#pragma once

#include <map>

#include "heap/heap.hpp"
#include "leases/volume/volumes.hpp"

namespace sojourn::process {

/// The disks of a process, each a region of its heap: so they are paged, tracked, saved and
/// branched as its memory is, and of one moment with it. A disk's id is the region's. Borrows the
/// heap; used by the guest's thread.
class HeapDisks final : public leases::Disks {
public:
    explicit HeapDisks(heap::Heap& heap) : heap_(heap) {}

    Result<leases::DiskId> add(std::uint64_t size_bytes_max) override;
    leases::Disk* find(leases::DiskId id) override;
    [[nodiscard]] std::vector<leases::DiskId> all() const override;

private:
    heap::Heap& heap_;
    std::map<leases::DiskId, std::unique_ptr<leases::Disk>> disks_;
};

}  // namespace sojourn::process
