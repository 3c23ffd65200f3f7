#pragma once

#include <algorithm>
#include <bit>

#include "heap/heap.hpp"
#include "heap/internal/page_runs.hpp"
#include "heap/internal/scratch_file.hpp"
#include "store/unit_codec.hpp"

namespace sojourn::heap {

class PagedRegion;

/// What no version has at one moment: copies of pages in a buffer of the heap's, or slots that hold
/// whole units, which stay as they are while the snapshot lives.
class PageSnapshot final : public Snapshot {
public:
    struct Unit {
        store::UnitIndex index;
        RegionId region;
        ScratchSlot slot;  ///< kNoSlot: the next of the copies are `pages` of it
        PageMask pages;

        [[nodiscard]] store::UnitKey key() const { return {region, index}; }
    };
    static_assert(sizeof(Unit) == 24);

    PageSnapshot(std::uint64_t unit_bytes, std::shared_ptr<ScratchFile> scratch)
        : unit_bytes_(unit_bytes), scratch_(std::move(scratch)) {}
    ~PageSnapshot() override;

    [[nodiscard]] std::uint64_t dirty_pages() const override { return dirty_pages_; }
    [[nodiscard]] std::uint64_t residue_bytes() const override { return residue_bytes_; }

    /// Calls `visit(key, content)` for each unit by key; `content` is good for the call. What
    /// was not copied of a unit comes from `read_rest(key, out)`, which fills a whole one.
    /// Stops at the first error, of either or of the scratch file.
    template <typename ReadRest, typename Visit>
    Result<void> for_each_unit(const ReadRest& read_rest, const Visit& visit) const;

private:
    friend class PagedHeap;

    [[nodiscard]] PageMask all_pages() const {
        return static_cast<PageMask>((1U << (unit_bytes_ / kPageBytes)) - 1);
    }

    std::uint64_t serial_ = 0;
    std::uint64_t dirty_pages_ = 0;
    std::uint64_t residue_bytes_ = 0;
    const std::uint64_t unit_bytes_;
    ByteVector region_table_;            ///< as it was then: regions may grow before the commit
    std::vector<PagedRegion*> regions_;  ///< as they were then; borrowed from the heap
    std::vector<Unit> units_;
    Mapping copies_;  ///< one page after the other
    std::shared_ptr<ScratchFile> scratch_;
};

template <typename ReadRest, typename Visit>
Result<void> PageSnapshot::for_each_unit(const ReadRest& read_rest, const Visit& visit) const {
    ByteVector content(unit_bytes_);
    const std::byte* copy = copies_.base();
    for (const Unit& unit : units_) {
        if (unit.slot != kNoSlot) {
            TRY(scratch_->read(unit.slot, content));
        } else if (unit.pages != all_pages()) {
            TRY(read_rest(unit.key(), MutableBytes(content)));
        }
        for (unsigned left = unit.pages; left != 0; left &= left - 1) {
            const auto page = static_cast<std::size_t>(std::countr_zero(left));
            std::copy_n(copy, kPageBytes, content.data() + page * kPageBytes);
            copy += kPageBytes;
        }
        TRY(visit(unit.key(), Bytes(content)));
    }
    return {};
}

}  // namespace sojourn::heap
