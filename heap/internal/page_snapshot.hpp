#pragma once

#include "heap/heap.hpp"
#include "heap/internal/scratch_file.hpp"
#include "store/unit_codec.hpp"

namespace sojourn::heap {

class PagedRegion;

/// The units of one moment: copies of them in a buffer of the heap's, or the slots that hold them,
/// which stay as they are while the snapshot lives.
class PageSnapshot final : public Snapshot {
public:
    struct Unit {
        RegionId region;
        ScratchSlot slot;  ///< kNoSlot: the next of the copies
        store::UnitIndex index;

        [[nodiscard]] store::UnitKey key() const { return {region, index}; }
    };

    PageSnapshot(std::uint64_t unit_bytes, std::shared_ptr<ScratchFile> scratch)
        : unit_bytes_(unit_bytes), scratch_(std::move(scratch)) {}
    ~PageSnapshot() override;

    [[nodiscard]] std::uint64_t dirty_pages() const override { return dirty_pages_; }
    [[nodiscard]] std::uint64_t residue_bytes() const override { return residue_bytes_; }

    /// Calls `visit(unit, content)` for each unit by key; `content` is good for the call.
    /// Stops at the first error, of `visit` or of the scratch file.
    template <typename Visit>
    Result<void> for_each_unit(const Visit& visit) const;

private:
    friend class PagedHeap;

    std::uint64_t serial_ = 0;
    std::uint64_t dirty_pages_ = 0;
    std::uint64_t residue_bytes_ = 0;
    const std::uint64_t unit_bytes_;
    ByteVector region_table_;            ///< as it was then: regions may grow before the commit
    std::vector<PagedRegion*> regions_;  ///< as they were then; borrowed from the heap
    std::vector<Unit> units_;
    Mapping copies_;  ///< one unit after the other
    std::shared_ptr<ScratchFile> scratch_;
};

template <typename Visit>
Result<void> PageSnapshot::for_each_unit(const Visit& visit) const {
    ByteVector read_back;
    const std::byte* copy = copies_.base();
    for (const Unit& unit : units_) {
        if (unit.slot == kNoSlot) {
            TRY(visit(unit, Bytes(copy, unit_bytes_)));
            copy += unit_bytes_;
        } else {
            read_back.resize(unit_bytes_);
            TRY(scratch_->read(unit.slot, read_back));
            TRY(visit(unit, Bytes(read_back)));
        }
    }
    return {};
}

}  // namespace sojourn::heap
