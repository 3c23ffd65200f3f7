#include "process/stored_volumes.hpp"

#include <algorithm>
#include <map>

namespace sojourn::process {

namespace {

using heap::StoredHeap;
using leases::Answer;
using leases::DiskId;
using leases::Errno;

DiskId id_of(const StoredHeap::Region& region) {
    return DiskId{static_cast<std::uint32_t>(region.id)};
}

class StoredDisk final : public leases::Disk {
public:
    StoredDisk(StoredHeap& heap, const StoredHeap::Region& region) : heap_(heap), region_(region) {}

    std::uint64_t size_bytes() const override { return region_.size_bytes; }
    std::uint64_t size_bytes_max() const override { return region_.reserve_bytes; }
    Answer<void> read(std::uint64_t offset, MutableBytes out) const override {
        return heap_.read(region_, offset, out).ok() ? Errno::success : Errno::io;
    }
    Answer<void> grow(std::uint64_t) override { return Errno::rofs; }
    Answer<void> write(std::uint64_t, Bytes) override { return Errno::rofs; }
    Answer<void> clear(std::uint64_t, std::uint64_t) override { return Errno::rofs; }

private:
    StoredHeap& heap_;
    const StoredHeap::Region& region_;
};

}  // namespace

class StoredVolumes::StoredDisks final : public leases::Disks {
public:
    explicit StoredDisks(StoredHeap heap) : heap_(std::move(heap)) {
        for (const StoredHeap::Region& region : heap_.regions()) {
            if (region.kind == heap::RegionKind::volume)
                disks_.emplace(id_of(region), StoredDisk(heap_, region));
        }
    }

    Result<DiskId> add(std::uint64_t) override {
        return fail(ErrorCode::unsupported, "a checkpoint gets no volume that it does not have");
    }
    leases::Disk* find(DiskId id) override {
        const auto found = disks_.find(id);
        return found == disks_.end() ? nullptr : &found->second;
    }
    std::vector<DiskId> all() const override {
        std::vector<DiskId> ids;
        for (const auto& [id, disk] : disks_)
            ids.push_back(id);
        return ids;
    }
    [[nodiscard]] const StoredHeap& heap() const { return heap_; }

private:
    StoredHeap heap_;
    std::map<DiskId, StoredDisk> disks_;
};

StoredVolumes::StoredVolumes(StoredHeap heap, const Clock& clock)
    : disks_(std::make_unique<StoredDisks>(std::move(heap))), volumes_(*disks_, clock) {}

StoredVolumes::~StoredVolumes() = default;

Result<std::unique_ptr<StoredVolumes>> StoredVolumes::open(store::Store& store,
                                                           const store::ProcessRecord& process,
                                                           store::Version checkpoint,
                                                           const Clock& clock) {
    auto family = TRY(store.family(process.family));
    auto heap = TRY(StoredHeap::open(std::move(family), checkpoint, store.unit_bytes()));
    return std::unique_ptr<StoredVolumes>(new StoredVolumes(std::move(heap), clock));
}

leases::Volumes& StoredVolumes::volumes() {
    return volumes_;
}

Result<void> StoredVolumes::expect_there() const {
    return disks_->heap().expect_there();
}

}  // namespace sojourn::process
