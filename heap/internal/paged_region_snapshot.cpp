// A region's part in snapshots, commits and verify().

#include <algorithm>
#include <bit>

#include "heap/internal/page_runs.hpp"
#include "heap/internal/paged_region.hpp"

namespace sojourn::heap {

namespace {

/// Runs of resident blocks that are shorter than this, and apart by less, are looked at together:
/// a system call for each would cost more than walking over what is missing.
constexpr std::uint64_t kJoinedBytes = std::uint64_t{8} << 20U;

}  // namespace

template <typename Visit>
Result<void> PagedRegion::for_each_span(const Visit& visit) const {
    const std::uint64_t block_count = blocks_in(clipped(reserve_bytes_));
    Span span{0, 0, Missing::none};
    for (BlockRun blocks = blocks_.next_resident(0, block_count); blocks.first < block_count;
         blocks = blocks_.next_resident(blocks.end, block_count)) {
        const Span run{blocks.first * fill_bytes_, clipped(blocks.end * fill_bytes_),
                       Missing::none};
        const bool joins = run.begin - span.end < kJoinedBytes &&
                           run.end - run.begin < kJoinedBytes &&
                           span.end - span.begin < kJoinedBytes;
        if (span.end == span.begin) {
            span = run;
        } else if (joins) {
            span = {span.begin, run.end, Missing::some};
        } else {
            TRY(visit(span));
            span = run;
        }
    }
    return span.end > span.begin ? visit(span) : Result<void>();
}

Result<void> PagedRegion::collect_dirty(AfterCollect after, PageRuns& runs) const {
    return for_each_span([&](const Span& span) {
        return range_->collect_dirty(span.begin, span.end - span.begin, span.missing, after, runs);
    });
}

Result<void> PagedRegion::collect_dirty() {
    const Result<void> collected = collect_dirty(AfterCollect::track_afresh, unpublished_);
    normalize(unpublished_);
    return collected;
}

std::uint64_t PagedRegion::enlist(std::vector<PageSnapshot::Unit>& units) {
    // What was unpublished and has left memory is in the scratch file, or as the store has it.
    const std::size_t first = units.size();
    std::uint64_t pages = 0;
    PageRuns joined;
    const std::vector<UnitPages> dirty_units = units_of(unpublished_, unit_bytes_);
    units.reserve(first + dirty_units.size());
    constexpr std::size_t kAhead = 16;
    for (std::size_t i = 0; i < dirty_units.size(); ++i) {
        if (i + kAhead < dirty_units.size()) ledger_.announce(dirty_units[i + kAhead].unit);
        const UnitPages& dirty = dirty_units[i];
        if (!is_resident(dirty.unit)) continue;
        PageMask taken = dirty.pages;
        if (ledger_.slot(dirty.unit) != kNoSlot) {
            // It was brought back from there: nobody else has the pages that are clean either.
            const PageRun whole = pages_in(dirty.unit);
            joined.push_back(whole);
            taken = static_cast<PageMask>((1U << whole.count) - 1);
        }
        units.push_back({dirty.unit, id_, kNoSlot, taken});
        pages += static_cast<std::uint64_t>(std::popcount(taken));
    }
    if (!joined.empty()) {
        unpublished_.insert(unpublished_.end(), joined.begin(), joined.end());
        normalize(unpublished_);
    }
    return pages + enlist_slots(first, units);
}

/// From `first` on, `units` are this region's.
std::uint64_t PagedRegion::enlist_slots(std::size_t first, std::vector<PageSnapshot::Unit>& units) {
    const auto begin = units.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t copied = units.size();
    const auto by_index = [](const auto& a, const auto& b) { return a.index < b.index; };
    std::uint64_t pages = 0;
    PageRuns aside;
    ledger_.append_aside(unit_count(), aside);
    std::vector<PageSnapshot::Unit> taken;
    for (const PageRun& run : aside) {
        for (std::uint64_t index = run.first; index < run.first + run.count; ++index) {
            const store::UnitIndex unit{index};
            const PageSnapshot::Unit wanted{unit, id_, kNoSlot, 0};
            if (std::binary_search(begin, units.end(), wanted, by_index)) continue;
            taken.push_back({unit, id_, ledger_.share_slot(unit), 0});
            pages += unit_bytes_ / kPageBytes;
        }
    }
    units.insert(units.end(), taken.begin(), taken.end());
    std::inplace_merge(units.begin() + static_cast<std::ptrdiff_t>(first),
                       units.begin() + static_cast<std::ptrdiff_t>(copied), units.end(), by_index);
    return pages;
}

void PagedRegion::announce_copy(const UnitPages& pages) const {
    constexpr std::uint64_t kLineBytes = 64;
    constexpr std::uint64_t kLines = 8;
    const auto first = static_cast<std::uint64_t>(std::countr_zero(pages.pages)) * kPageBytes;
    const std::byte* page = base_ + static_cast<std::uint64_t>(pages.unit) * unit_bytes_ + first;
    for (std::uint64_t line = 0; line < kLines; ++line)
        __builtin_prefetch(page + line * kLineBytes);
}

std::byte* PagedRegion::copy_pages(const UnitPages& pages, std::byte* to) const {
    INVARIANT(is_resident(pages.unit), "a dirty page's unit is complete in memory");
    const std::byte* unit = base_ + static_cast<std::uint64_t>(pages.unit) * unit_bytes_;
    for (unsigned left = pages.pages; left != 0; left &= left - 1) {
        to = std::copy_n(unit + static_cast<std::size_t>(std::countr_zero(left)) * kPageBytes,
                         kPageBytes, to);
    }
    return to;
}

Result<ScratchSlot> PagedRegion::copy_unit_aside(store::UnitIndex unit) {
    ByteVector copy(unit_bytes_);
    read_unit(unit, copy);
    return ledger_.copy_aside(unit, copy);
}

void PagedRegion::read_unit(store::UnitIndex unit, MutableBytes out) const {
    const std::uint64_t begin = static_cast<std::uint64_t>(unit) * unit_bytes_;
    const std::uint64_t length = clipped(begin + unit_bytes_) - begin;
    INVARIANT(is_resident(unit), "a dirty page's unit is complete in memory");
    std::copy_n(base_ + begin, length, out.begin());
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(length), out.end(), std::byte{0});
}

void PagedRegion::settle(store::UnitIndex unit, const Fingerprint& published) {
    const std::uint64_t block = block_of(unit);
    const BlockState state = blocks_.lock(block);
    ledger_.settle(unit, published);
    blocks_.release(block, state);
}

std::uint64_t PagedRegion::drafted_pages() const {
    PageRuns drafted = drafted_;
    subtract(drafted, unpublished_);
    return page_count_of(drafted) + drafted_slot_pages_;
}

void PagedRegion::append_working_set(std::size_t runs_max, WorkingSet& set) const {
    PageRuns written = unpublished_;
    written.insert(written.end(), drafted_.begin(), drafted_.end());
    normalize(written);
    append_groups(id_, written, runs_max / 2, set);
    PageRuns resident;
    const std::uint64_t block_count = blocks_in(clipped(reserve_bytes_));
    for (BlockRun blocks = blocks_.next_resident(0, block_count); blocks.first < block_count;
         blocks = blocks_.next_resident(blocks.end, block_count)) {
        resident.push_back({blocks.first * fill_bytes_ / kPageBytes,
                            (blocks.end - blocks.first) * fill_bytes_ / kPageBytes});
    }
    append_groups(id_, resident, runs_max / 2, set);
}

void PagedRegion::forget_unpublished() {
    unpublished_.clear();
    drafted_.clear();
    drafted_slot_pages_ = 0;
}

std::vector<ScratchSlot> PagedRegion::slots() const {
    std::vector<ScratchSlot> owned;
    for (std::uint64_t unit = 0; unit < unit_count(); ++unit) {
        const ScratchSlot slot = ledger_.slot(store::UnitIndex{unit});
        if (slot != kNoSlot) owned.push_back(slot);
    }
    return owned;
}

std::uint64_t PagedRegion::verify(std::vector<std::string>& complaints) const {
    const auto complain = [&](std::uint64_t offset, std::string_view what) {
        complaints.push_back(
            fmt::format("region {} at {:#x}: {}", static_cast<std::uint32_t>(id_), offset, what));
    };
    if (accessible_bytes_.load() != size_bytes_) complain(size_bytes_, "two sizes");
    PageRuns dirty = unpublished_;
    dirty.insert(dirty.end(), drafted_.begin(), drafted_.end());
    if (const auto looked = collect_dirty(AfterCollect::leave_dirty, dirty); !looked) {
        complain(0, looked.error().message);
    }
    normalize(dirty);
    const std::vector<UnitPages> dirty_units = units_of(dirty, unit_bytes_);
    ByteVector memory(unit_bytes_);
    ByteVector truth(unit_bytes_);
    std::uint64_t resident_bytes = 0;
    for (std::uint64_t offset = 0; offset < size_bytes_; offset += unit_bytes_) {
        const BlockState state = blocks_.state(offset / fill_bytes_);
        if (state == BlockState::filling) complain(offset, "a fill that never ended");
        if (state != BlockState::resident) continue;

        resident_bytes += clipped(offset + unit_bytes_) - offset;
        if (!cache_.is_queued(number(), static_cast<std::uint32_t>(offset / kGroupBytes))) {
            complain(offset, "resident, and will never be evicted");
        }
        const store::UnitIndex unit = unit_at(offset);
        const bool is_dirty =
            std::binary_search(dirty_units.begin(), dirty_units.end(), UnitPages{unit, 0},
                               [](const auto& a, const auto& b) { return a.unit < b.unit; });
        if (is_dirty) continue;
        read_unit(unit, memory);
        const auto read = ledger_.look_at(unit, truth);
        if (!read) complain(offset, read.error().message);
        if (read.ok() && memory != truth) complain(offset, "clean and not what was stored");
    }
    return resident_bytes;
}

}  // namespace sojourn::heap
