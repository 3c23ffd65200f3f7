#include "process/heap_disks.hpp"

#include <algorithm>
#include <cstring>

namespace sojourn::process {

namespace {

using leases::Answer;
using leases::DiskId;
using leases::Errno;
using Access = heap::Region::Access;

/// Most that is pinned at a time, beside as much of a guest's buffer: both fit the smallest cache.
constexpr std::uint64_t kPieceBytes = 65'536;

DiskId id_of(const heap::Region& region) {
    return DiskId{static_cast<std::uint32_t>(region.id())};
}

class HeapDisk final : public leases::Disk {
public:
    explicit HeapDisk(heap::Region& region) : region_(region) {}

    std::uint64_t size_bytes() const override { return region_.size_bytes(); }
    std::uint64_t size_bytes_max() const override { return region_.reserve_bytes(); }

    Answer<void> grow(std::uint64_t size_bytes) override {
        return region_.grow(size_bytes).ok() ? Errno::success : Errno::nospc;
    }

    Answer<void> read(std::uint64_t offset, MutableBytes out) const override {
        return in_pieces(offset, out.size(), Access::read, [&](Bytes piece, std::uint64_t done) {
            std::memcpy(out.data() + done, piece.data(), piece.size());
        });
    }

    Answer<void> write(std::uint64_t offset, Bytes bytes) override {
        return in_pieces(offset, bytes.size(), Access::write,
                         [&](MutableBytes piece, std::uint64_t done) {
                             std::memcpy(piece.data(), bytes.data() + done, piece.size());
                         });
    }

    Answer<void> clear(std::uint64_t offset, std::uint64_t length) override {
        return in_pieces(offset, length, Access::write, [](MutableBytes piece, std::uint64_t) {
            std::memset(piece.data(), 0, piece.size());
        });
    }

private:
    /// A page that the store can't give is an error to the guest and no end of the runner.
    template <typename Use>
    Answer<void> in_pieces(std::uint64_t offset, std::uint64_t length, Access access,
                           const Use& use) const {
        EXPECTS(offset <= size_bytes() && length <= size_bytes() - offset,
                "a volume stays on its disk");
        for (std::uint64_t done = 0; done < length;) {
            const auto piece = std::min(length - done, kPieceBytes);
            const auto pinned = region_.pin(offset + done, piece, access);
            if (!pinned.ok()) return Errno::io;
            use(*pinned, done);
            done += piece;
        }
        return {};
    }

    heap::Region& region_;
};

}  // namespace

Result<DiskId> HeapDisks::add(std::uint64_t size_bytes_max) {
    const std::uint64_t reserve_bytes = size_bytes_max / heap::kPageBytes * heap::kPageBytes;
    const heap::Region* region =
        TRY(heap_.add_region({heap::RegionKind::volume, 0, reserve_bytes}));
    return id_of(*region);
}

leases::Disk* HeapDisks::find(DiskId id) {
    heap::Region* region = heap_.region(heap::RegionId{static_cast<std::uint32_t>(id)});
    if (region == nullptr || region->kind() != heap::RegionKind::volume) return nullptr;
    auto& disk = disks_[id];
    if (disk == nullptr) disk = std::make_unique<HeapDisk>(*region);
    return disk.get();
}

std::vector<DiskId> HeapDisks::all() const {
    std::vector<DiskId> ids;
    for (const heap::Region* region : heap_.regions()) {
        if (region->kind() == heap::RegionKind::volume) ids.push_back(id_of(*region));
    }
    return ids;
}

}  // namespace sojourn::process
