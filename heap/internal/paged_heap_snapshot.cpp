// What stops the guest: the last look at what is dirty, and the copy of it.

#include <algorithm>
#include <bit>
#include <span>

#include "base/trace.hpp"
#include "heap/internal/paged_heap.hpp"
#include "heap/internal/side_by_side.hpp"

namespace sojourn::heap {

namespace {

using Units = std::span<const PageSnapshot::Unit>;

/// Fewer are copied before a second thread has started.
constexpr std::uint64_t kSharedPagesMin = 512;

std::uint64_t page_count_of(const PageSnapshot::Unit& unit) {
    return static_cast<std::uint64_t>(std::popcount(unit.pages));
}

std::uint64_t page_count_of(Units units) {
    std::uint64_t pages = 0;
    for (const PageSnapshot::Unit& unit : units)
        pages += page_count_of(unit);
    return pages;
}

struct Part {
    std::size_t units = 0;
    std::uint64_t pages = 0;
};

/// The fewest of the first units that have `pages` together.
Part part_of(Units units, std::uint64_t pages) {
    Part part;
    while (part.units < units.size() && part.pages < pages)
        part.pages += page_count_of(units[part.units++]);
    return part;
}

}  // namespace

Result<std::unique_ptr<Snapshot>> PagedHeap::snapshot() {
    std::unique_lock<std::mutex> rest;
    if (prefetcher_) rest = prefetcher_->rest();
    for (const auto& region : regions_)
        TRY(region->collect_dirty());
    auto snapshot = std::make_unique<PageSnapshot>(unit_bytes_, scratch_);
    snapshot->serial_ = ++snapshot_serial_;
    snapshot->region_table_ = region_table();
    enlist(*snapshot);
    const std::uint64_t pages = page_count_of(snapshot->units_);
    snapshot->copies_ = TRY(copy_buffer(std::min(pages * kPageBytes, copies_bytes_max_)));
    TRY(assign_room(*snapshot));
    copy_units(*snapshot);
    TRACE(heap, "snapshot", snapshot->dirty_pages_, snapshot->units_.size(),
          snapshot->residue_bytes_);
    return std::unique_ptr<Snapshot>(std::move(snapshot));
}

void PagedHeap::enlist(PageSnapshot& snapshot) {
    for (const auto& region : regions_) {
        snapshot.regions_.push_back(region.get());
        snapshot.dirty_pages_ += region->enlist(snapshot.units_);
    }
}

/// The spare one when it is large enough: touching new memory takes longer than the copy.
Result<Mapping> PagedHeap::copy_buffer(std::uint64_t length) {
    Mapping buffer = std::exchange(spare_copies_, {});
    if (buffer.length() >= length) return buffer;
    return Mapping::buffer(std::min(std::bit_ceil(length), copies_bytes_max_));
}

/// What does not fit the buffer goes to the scratch file, where it is a snapshot's as well.
Result<void> PagedHeap::assign_room(PageSnapshot& snapshot) {
    std::uint64_t room = snapshot.copies_.length() / kPageBytes;
    for (PageSnapshot::Unit& unit : snapshot.units_) {
        if (unit.slot != kNoSlot) continue;
        PagedRegion& region = region_of(unit.key());
        const std::uint64_t pages = page_count_of(unit);
        if (room >= pages) {
            room -= pages;
            region.note_copied(unit.index);
        } else {
            unit.slot = TRY(region.copy_unit_aside(unit.index));
            unit.pages = 0;
            snapshot.residue_bytes_ += unit_bytes_;
        }
    }
    return {};
}

void PagedHeap::copy_units(const PageSnapshot& snapshot) {
    const Units units = snapshot.units_;
    const auto copy = [this](Units part, std::byte* to) {
        constexpr std::size_t kAhead = 2;
        for (std::size_t i = 0; i < part.size(); ++i) {
            if (i + kAhead < part.size()) {
                const PageSnapshot::Unit& soon = part[i + kAhead];
                if (soon.pages != 0) region_of(soon.key()).announce_copy({soon.index, soon.pages});
            }
            if (part[i].slot != kNoSlot) continue;
            to = region_of(part[i].key()).copy_pages({part[i].index, part[i].pages}, to);
        }
    };
    std::byte* const to = snapshot.copies_.base();
    const std::uint64_t pages = page_count_of(units);
    if (pages < kSharedPagesMin) return copy(units, to);
    // Pages that lie apart are waited for more than moved: two threads wait at the same time.
    const Part half = part_of(units, pages / 2);
    side_by_side([&] { copy(units.subspan(half.units), to + half.pages * kPageBytes); },
                 [&] { copy(units.first(half.units), to); });
}

}  // namespace sojourn::heap
