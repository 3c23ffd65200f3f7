// A region's part in snapshots, commits and verify().

#include <algorithm>

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
    const std::uint64_t block_count = blocks_in(size_bytes_);
    const auto next = [&](std::uint64_t block, bool resident) {
        while (block < block_count && (blocks_.state(block) == BlockState::resident) != resident)
            ++block;
        return block;
    };
    Span span{0, 0, Missing::none};
    for (std::uint64_t first = next(0, true); first < block_count;) {
        const std::uint64_t end = next(first, false);
        const Span run{first * fill_bytes_, clipped(end * fill_bytes_), Missing::none};
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
        first = next(end, true);
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
    for (const store::UnitIndex unit : units_of(unpublished_, unit_bytes_)) {
        if (is_resident(unit)) units.push_back({id_, kNoSlot, unit});
    }
    const std::size_t copies_end = units.size();
    const auto is_copied = [&](store::UnitIndex unit) {
        const auto begin = units.begin() + static_cast<std::ptrdiff_t>(first);
        const auto end = units.begin() + static_cast<std::ptrdiff_t>(copies_end);
        const auto found = std::lower_bound(
            begin, end, unit,
            [](const PageSnapshot::Unit& a, store::UnitIndex b) { return a.index < b; });
        return found != end && found->index == unit;
    };
    std::uint64_t pages = page_count_of(unpublished_);
    PageRuns aside;
    ledger_.append_aside(unit_count(), aside);
    for (const PageRun& run : aside) {
        for (std::uint64_t index = run.first; index < run.first + run.count; ++index) {
            const store::UnitIndex unit{index};
            if (is_copied(unit)) continue;
            units.push_back({id_, ledger_.share_slot(unit), unit});
            pages += unit_bytes_ / kPageBytes;
        }
    }
    std::inplace_merge(units.begin() + static_cast<std::ptrdiff_t>(first),
                       units.begin() + static_cast<std::ptrdiff_t>(copies_end), units.end(),
                       [](const auto& a, const auto& b) { return a.index < b.index; });
    return pages;
}

void PagedRegion::copy_unit(store::UnitIndex unit, MutableBytes out) {
    read_unit(unit, out);
    ledger_.note_copied(unit);
}

Result<ScratchSlot> PagedRegion::copy_unit_aside(store::UnitIndex unit) {
    ByteVector copy(unit_bytes_);
    read_unit(unit, copy);
    return ledger_.copy_aside(unit, copy);
}

void PagedRegion::read_unit(store::UnitIndex unit, MutableBytes out) const {
    const std::uint64_t begin = static_cast<std::uint64_t>(unit) * unit_bytes_;
    const std::uint64_t length = std::min(unit_bytes_, size_bytes_ - begin);
    INVARIANT(is_resident(unit), "a dirty page's unit is complete in memory");
    std::copy_n(base_ + begin, length, out.begin());
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(length), out.end(), std::byte{0});
}

void PagedRegion::settle(const PageSnapshot::Unit& unit, Bytes copy) {
    const std::uint64_t block = static_cast<std::uint64_t>(unit.index) * unit_bytes_ / fill_bytes_;
    const BlockState state = blocks_.lock(block);
    ledger_.settle(unit.index, unit.slot, copy);
    blocks_.release(block, state);
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
    if (const auto looked = collect_dirty(AfterCollect::leave_dirty, dirty); !looked) {
        complain(0, looked.error().message);
    }
    normalize(dirty);
    const std::vector<store::UnitIndex> dirty_units = units_of(dirty, unit_bytes_);
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
        if (std::binary_search(dirty_units.begin(), dirty_units.end(), unit)) continue;
        read_unit(unit, memory);
        const auto read = ledger_.look_at(unit, truth);
        if (!read) complain(offset, read.error().message);
        if (read.ok() && memory != truth) complain(offset, "clean and not what was stored");
    }
    return resident_bytes;
}

}  // namespace sojourn::heap
