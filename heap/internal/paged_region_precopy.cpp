// A region's part in pre-copy: what is dirty is given to the draft of the next version while guests
// run. A copy may be torn by a writer; then its page is dirty again, and the copy is superseded.

#include <algorithm>

#include "base/thread_buffer.hpp"
#include "heap/internal/page_runs.hpp"
#include "heap/internal/paged_region.hpp"
#include "heap/internal/racing_copy.hpp"

namespace sojourn::heap {

namespace {

/// A walk over less than this takes no time that anybody would notice.
constexpr std::uint64_t kCooledBytesMin = std::uint64_t{64} << 20U;

/// What is protected and copied at once. To protect pages interrupts the guest on its processor,
/// once for each call and for each page table, which is for as much.
constexpr std::uint64_t kWindowBytes = std::uint64_t{2} << 20U;

/// A window, until it is encoded.
const ThreadBuffer window_copy(kWindowBytes);

}  // namespace

Result<std::uint64_t> PagedRegion::unpublished_bytes() const {
    PageRuns dirty;
    TRY(collect_dirty(AfterCollect::leave_dirty, dirty));
    PageRuns aside;
    ledger_.append_aside(unit_count(), aside);
    return page_count_of(dirty) * kPageBytes + page_count_of(aside) * unit_bytes_;
}

Result<void> PagedRegion::write_ahead(VersionDraft& draft, const std::atomic<bool>& stop) {
    PageRuns dirty = unpublished_;
    TRY(collect_dirty(AfterCollect::leave_dirty, dirty));
    normalize(dirty);
    PageRuns taken;
    const auto written = write_blocks_ahead(dirty, draft, stop, taken);
    normalize(taken);
    subtract(unpublished_, taken);
    drafted_.insert(drafted_.end(), taken.begin(), taken.end());
    normalize(drafted_);
    TRY(written);
    return write_slots_ahead(draft, stop);
}

/// Appends to `taken` what is not the region's to remember any more, after an error too.
Result<void> PagedRegion::write_blocks_ahead(const PageRuns& dirty, VersionDraft& draft,
                                             const std::atomic<bool>& stop, PageRuns& taken) {
    const auto window_of = [this](std::uint64_t block) {
        return reinterpret_cast<std::uintptr_t>(base_ + block * fill_bytes_) / kWindowBytes;
    };
    BlockRun window{0, 0};
    for (const UnitPages& pages : units_of(dirty, unit_bytes_)) {
        const std::uint64_t block = block_of(pages.unit);
        if (window.first == window.end || window_of(block) != window_of(window.first)) {
            if (stop.load(std::memory_order_relaxed)) return {};
            TRY(write_window_ahead(window, draft, taken));
            window.first = block;
        }
        window.end = block + 1;
    }
    return write_window_ahead(window, draft, taken);
}

Result<void> PagedRegion::write_window_ahead(BlockRun window, VersionDraft& draft,
                                             PageRuns& taken) {
    for (std::uint64_t block = window.first; block < window.end;) {
        BlockRun run{block, block};
        while (run.end < window.end && blocks_.try_claim_resident(run.end))
            ++run.end;
        if (run.end > run.first) TRY(write_run_ahead(run, draft, taken));
        block = run.end + 1;
    }
    return {};
}

/// Releases the blocks, which the caller has claimed.
Result<void> PagedRegion::write_run_ahead(BlockRun run, VersionDraft& draft, PageRuns& taken) {
    PageRuns pages;
    const MutableBytes copy = window_copy.get();
    const auto copied = copy_run_ahead(run, copy, pages);
    blocks_.release(run, BlockState::resident);
    taken.insert(taken.end(), pages.begin(), pages.end());
    TRY(copied);

    const std::uint64_t begin = run.first * fill_bytes_;
    for (const UnitPages& unit : units_of(pages, unit_bytes_)) {
        const std::uint64_t offset = static_cast<std::uint64_t>(unit.unit) * unit_bytes_ - begin;
        TRY(draft.add(key_of(unit.unit), copy.subspan(offset, unit_bytes_)));
    }
    return {};
}

/// `pages` are those that `copy` takes off the region's hands; it has their units, each where it
/// lies in the run. Requires: the run is claimed.
Result<void> PagedRegion::copy_run_ahead(BlockRun run, MutableBytes copy, PageRuns& pages) {
    const std::uint64_t begin = run.first * fill_bytes_;
    const std::uint64_t length = bytes_in(run);
    append_overlap(unpublished_, {begin / kPageBytes, length / kPageBytes}, pages);
    const auto collected =
        range_->collect_dirty(begin, length, Missing::none, AfterCollect::track_afresh, pages);
    normalize(pages);
    TRY(collected);
    for (const UnitPages& unit : units_of(pages, unit_bytes_)) {
        const PageRun whole = pages_in(unit.unit);
        const MutableBytes out = copy.subspan(whole.first * kPageBytes - begin, unit_bytes_);
        const std::uint64_t there = whole.count * kPageBytes;
        racing_copy(base_ + whole.first * kPageBytes, out.data(), there);
        std::fill(out.begin() + static_cast<std::ptrdiff_t>(there), out.end(), std::byte{0});
        // It was brought back from there: nobody else has the pages that are clean either.
        if (ledger_.slot(unit.unit) != kNoSlot) pages.push_back(whole);
        ledger_.note_copied(unit.unit);
    }
    normalize(pages);
    return {};
}

Result<void> PagedRegion::write_slots_ahead(VersionDraft& draft, const std::atomic<bool>& stop) {
    PageRuns aside;
    ledger_.append_aside(unit_count(), aside);
    ByteVector content(unit_bytes_);
    for (const PageRun& run : aside) {
        for (std::uint64_t index = run.first; index < run.first + run.count; ++index) {
            if (stop.load(std::memory_order_relaxed)) return {};
            TRY(write_slot_ahead(store::UnitIndex{index}, content, draft));
        }
    }
    return {};
}

Result<void> PagedRegion::write_slot_ahead(store::UnitIndex unit, MutableBytes content,
                                           VersionDraft& draft) {
    const std::uint64_t block = block_of(unit);
    const BlockState state = blocks_.lock(block);
    const ScratchSlot slot = ledger_.slot(unit);
    if (slot != kNoSlot) {
        scratch_->share(slot);
        ledger_.note_drafted(unit);
    }
    blocks_.release(block, state);
    if (slot == kNoSlot) return {};

    const auto read = scratch_->read(slot, content);
    scratch_->release(slot);
    TRY(read);
    drafted_slot_pages_ += unit_bytes_ / kPageBytes;
    return draft.add(key_of(unit), content);
}

Result<void> PagedRegion::announce_dirty() const {
    constexpr std::uint64_t kLineBytes = 64;
    PageRuns dirty = unpublished_;
    TRY(collect_dirty(AfterCollect::leave_dirty, dirty));
    for (const PageRun& run : dirty) {
        const std::byte* const begin = base_ + run.first * kPageBytes;
        // It never faults: what was evicted meanwhile stays where it is.
        for (std::uint64_t at = 0; at < run.count * kPageBytes; at += kLineBytes)
            __builtin_prefetch(begin + at);
    }
    return {};
}

void PagedRegion::cool_down() {
    const std::uint64_t length = clipped(reserve_bytes_);
    if (length < kCooledBytesMin) return;
    range_->cool_down(length, [this](std::uint64_t offset, std::uint64_t bytes) {
        for (std::uint64_t block = offset / fill_bytes_; block < blocks_in(offset + bytes);
             ++block) {
            if (blocks_.is_pinned(block)) return true;
        }
        return false;
    });
}

void PagedRegion::take_back() {
    unpublished_.insert(unpublished_.end(), drafted_.begin(), drafted_.end());
    normalize(unpublished_);
    drafted_.clear();
    drafted_slot_pages_ = 0;
    ledger_.forget_drafted(unit_count());
}

}  // namespace sojourn::heap
