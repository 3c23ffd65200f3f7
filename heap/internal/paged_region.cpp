#include "heap/internal/paged_region.hpp"

#include <algorithm>
#include <unistd.h>

#include "base/file.hpp"
#include "base/thread_buffer.hpp"
#include "base/trace.hpp"

namespace sojourn::heap {

namespace {

/// A missing page whose value cannot be had: no instruction of the guest can go on, and no code
/// of ours is on the stack that could report it. The exit code is that of our own errors.
[[noreturn]] void end_process(const Error& error, RegionId region, store::UnitIndex unit,
                              store::Version version) {
    constexpr int kOwnErrorExitCode = 125;
    const std::string line =
        fmt::format("sojourn: cannot bring in unit {} of region {} as of checkpoint @{}: {}\n",
                    static_cast<std::uint64_t>(unit), static_cast<std::uint32_t>(region),
                    static_cast<std::uint64_t>(version), error.message);
    static_cast<void>(write_all(STDERR_FILENO, as_bytes(line)));
    ::_exit(kOwnErrorExitCode);
}

/// Where blocks are put together. Not on the stack: the handler may run on a small one.
const ThreadBuffer fill_buffer(kGroupBytes);

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t grain) {
    return (value + grain - 1) / grain * grain;
}

}  // namespace

Result<std::unique_ptr<PagedRegion>> PagedRegion::create(RegionId id, const RegionSpec& spec,
                                                         std::uint64_t stored_bytes,
                                                         const Paging& paging) {
    EXPECTS(spec.reserve_bytes % kPageBytes == 0, "a reservation is whole pages");
    EXPECTS(spec.size_bytes <= spec.reserve_bytes, "a region fits its reservation");
    auto range = TRY(paging.mechanism.reserve(spec.reserve_bytes));
    const std::uint64_t fill_bytes = paging.mechanism.fill_bytes(paging.unit_bytes);
    INVARIANT(fill_bytes % paging.unit_bytes == 0, "a block is whole units");
    INVARIANT(kGroupBytes % fill_bytes == 0, "a group is whole blocks");
    const std::uint64_t reserve_bytes = round_up(spec.reserve_bytes, fill_bytes);
    BlockTable blocks = TRY(BlockTable::create(reserve_bytes / fill_bytes));
    UnitLedger ledger = TRY(UnitLedger::create(id, reserve_bytes, stored_bytes, paging.unit_bytes,
                                               paging.source, paging.scratch));
    std::unique_ptr<PagedRegion> region(
        new PagedRegion(id, spec, paging, std::move(range), std::move(blocks), std::move(ledger)));
    TRY(region->grow(spec.size_bytes));
    TRY(paging.cache.add(*region, spec.reserve_bytes));
    return region;
}

PagedRegion::PagedRegion(RegionId id, const RegionSpec& spec, const Paging& paging,
                         std::unique_ptr<TrackedRange> range, BlockTable blocks, UnitLedger ledger)
    : Region(id, spec.kind, range->base(), 0, spec.reserve_bytes),
      unit_bytes_(paging.unit_bytes),
      fill_bytes_(paging.mechanism.fill_bytes(paging.unit_bytes)),
      write_bytes_(paging.mechanism.write_bytes()),
      source_(paging.source),
      scratch_(paging.scratch),
      cache_(paging.cache),
      range_(std::move(range)),
      blocks_(std::move(blocks)),
      ledger_(std::move(ledger)),
      registration_(base_, spec.reserve_bytes, *this) {}

Result<void> PagedRegion::grow(std::uint64_t size_bytes) {
    EXPECTS(size_bytes % kPageBytes == 0, "a region is whole pages");
    EXPECTS(size_bytes >= size_bytes_ && size_bytes <= reserve_bytes_,
            "a region grows within its reservation");
    const std::lock_guard lock(grow_mutex_);
    const std::uint64_t from = size_bytes_;
    if (size_bytes == from) return {};
    TRY(range_->extend(from, size_bytes));

    // A block that the old end cuts through stays whole: what joins it is resident if it is.
    const bool cuts_block = from % fill_bytes_ != 0;
    const std::uint64_t tail = from / fill_bytes_;
    const BlockState tail_state = cuts_block ? blocks_.lock(tail) : BlockState::absent;
    Result<void> joined;
    if (tail_state == BlockState::resident) {
        const std::uint64_t joining = std::min(round_up(from, fill_bytes_), size_bytes) - from;
        cache_.make_room(joining);
        joined = range_->install_zeros(from, joining);
        if (!joined) cache_.give_back(joining);
    }
    if (joined.ok()) {
        accessible_bytes_.store(size_bytes, std::memory_order_release);
        size_bytes_ = size_bytes;
    }
    if (cuts_block) blocks_.release(tail, tail_state);
    return joined;
}

Result<void> PagedRegion::hold(std::uint64_t offset, std::uint64_t length, Access access) {
    EXPECTS(offset <= size_bytes_ && length <= size_bytes_ - offset,
            "a pinned range lies within its region");
    if (length == 0) return {};
    const BlockRun run{offset / fill_bytes_, blocks_in(offset + length)};
    for (std::uint64_t block = run.first; block < run.end; ++block)
        blocks_.pin(block);
    const auto bring_in = [&]() -> Result<void> {
        for (std::uint64_t block = run.first; block < run.end; ++block)
            TRY(make_resident(block));
        return access == Access::write ? allow_writes(offset, length) : Result<void>();
    };
    const Result<void> held = bring_in();
    if (!held) let_loose(offset, length);
    return held;
}

void PagedRegion::let_loose(std::uint64_t offset, std::uint64_t length) {
    if (length == 0) return;
    for (std::uint64_t block = offset / fill_bytes_; block < blocks_in(offset + length); ++block)
        blocks_.unpin(block);
}

bool PagedRegion::resolve_fault(std::byte* address) {
    const auto offset = static_cast<std::uint64_t>(address - base_);
    if (offset >= accessible_bytes_.load(std::memory_order_acquire)) return false;
    faults_.fetch_add(1, std::memory_order_relaxed);
    TRACE(heap, "fault", static_cast<std::uint32_t>(id_), offset);
    const Result<void> resolved = open_or_fill(offset);
    if (!resolved) end_process(resolved.error(), id_, unit_at(offset), source_.view().version);
    return true;
}

Result<void> PagedRegion::open_or_fill(std::uint64_t offset) {
    // Claimed for a first write as well: a page that is being taken out must stay closed.
    const std::uint64_t block = offset / fill_bytes_;
    if (blocks_.lock(block) == BlockState::absent) return fill_claimed(block);
    const Result<void> opened = allow_writes(offset, 1);
    blocks_.release(block, BlockState::resident);
    return opened;
}

Result<void> PagedRegion::make_resident(std::uint64_t block) {
    for (;;) {
        switch (blocks_.claim(block)) {
            case BlockTable::Claim::resident:
                return {};
            case BlockTable::Claim::mine:
                return fill_claimed(block);
            case BlockTable::Claim::waited:
                break;
        }
    }
}

Result<void> PagedRegion::fill_claimed(std::uint64_t block) {
    const BlockRun run = claim_walk(block);
    Result<void> filled = fill(run);
    if (filled || run.end - run.first == 1) {
        release(run, filled ? BlockState::resident : BlockState::absent);
        return filled;
    }
    // A neighbour may be what cannot be read, and nobody asked for it.
    release({run.first, block}, BlockState::absent);
    release({block + 1, run.end}, BlockState::absent);
    filled = fill({block, block + 1});
    release({block, block + 1}, filled ? BlockState::resident : BlockState::absent);
    return filled;
}

BlockRun PagedRegion::claim_walk(std::uint64_t block) {
    // A fault beside what is resident looks like a walk, and its next steps cost less now that a
    // signal was taken. Blocks that other threads are at are left to them.
    const std::uint64_t group_begin = block * fill_bytes_ / kGroupBytes * kGroupBytes;
    const std::uint64_t first_allowed = blocks_in(group_begin);
    const std::uint64_t end_allowed = blocks_in(clipped(group_begin + kGroupBytes));
    BlockRun run{block, block + 1};
    const bool walks_down = run.end < blocks_in(clipped(reserve_bytes_)) &&
                            blocks_.state(run.end) == BlockState::resident;
    const bool walks_up = block > 0 && blocks_.state(block - 1) == BlockState::resident;
    while (walks_down && run.first > first_allowed && blocks_.try_claim(run.first - 1))
        --run.first;
    while (walks_up && run.end < end_allowed && blocks_.try_claim(run.end))
        ++run.end;
    return run;
}

/// Fills blocks of one group, which the caller has claimed.
Result<void> PagedRegion::fill(BlockRun run) {
    const std::uint64_t begin = run.first * fill_bytes_;
    const std::uint64_t length = bytes_in(run);
    cache_.make_room(length);
    const auto bring_in = [&]() -> Result<void> {
        bool all_zeros = true;
        for (std::uint64_t done = 0; done < length; done += unit_bytes_)
            all_zeros = all_zeros && ledger_.is_zeros(unit_at(begin + done));
        if (all_zeros) return range_->install_zeros(begin, length);
        const MutableBytes buffer = fill_buffer.get();
        for (std::uint64_t done = 0; done < length; done += unit_bytes_) {
            const auto out = buffer.subspan(done, unit_bytes_);
            TRY(ledger_.read(unit_at(begin + done), out));
        }
        return range_->install(begin, buffer.first(length));
    };
    const Result<void> filled = bring_in();
    if (!filled) cache_.give_back(length);
    return filled;
}

bool PagedRegion::bring_in_group(std::uint64_t group) {
    const std::uint64_t begin = std::min(group, reserve_bytes_ / kGroupBytes) * kGroupBytes;
    const std::uint64_t end = blocks_in(clipped(begin + kGroupBytes));
    for (std::uint64_t block = begin / fill_bytes_; block < end;) {
        BlockRun run{block, block};
        while (run.end < end && blocks_.try_claim(run.end))
            ++run.end;
        if (run.end > run.first) {
            release(run, fill(run).ok() ? BlockState::resident : BlockState::absent);
        }
        block = run.end + 1;
    }
    return begin < clipped(reserve_bytes_);
}

Result<void> PagedRegion::allow_writes(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t begin = offset / write_bytes_ * write_bytes_;
    const std::uint64_t end = clipped(round_up(offset + length, write_bytes_));
    return range_->allow_writes(begin, end - begin);
}

/// Requires: blocks of one group.
void PagedRegion::release(BlockRun run, BlockState state) {
    if (state == BlockState::resident) {
        // Before the blocks can be evicted, which takes them off the queue.
        const std::uint64_t group = run.first * fill_bytes_ / kGroupBytes;
        cache_.note_arrival(number(), static_cast<std::uint32_t>(group));
    }
    blocks_.release(run, state);
}

std::uint64_t PagedRegion::clipped(std::uint64_t offset) const {
    return std::min(offset, accessible_bytes_.load(std::memory_order_acquire));
}

std::uint64_t PagedRegion::blocks_in(std::uint64_t length) const {
    return round_up(length, fill_bytes_) / fill_bytes_;
}

std::uint64_t PagedRegion::bytes_in(BlockRun run) const {
    return clipped(run.end * fill_bytes_) - run.first * fill_bytes_;
}

store::UnitIndex PagedRegion::unit_at(std::uint64_t offset) const {
    return store::UnitIndex{offset / unit_bytes_};
}

std::uint64_t PagedRegion::unit_count() const {
    return round_up(clipped(reserve_bytes_), unit_bytes_) / unit_bytes_;
}

/// The accessible ones.
PageRun PagedRegion::pages_in(store::UnitIndex unit) const {
    const std::uint64_t begin = static_cast<std::uint64_t>(unit) * unit_bytes_;
    return {begin / kPageBytes, (clipped(begin + unit_bytes_) - begin) / kPageBytes};
}

std::uint64_t PagedRegion::block_of(store::UnitIndex unit) const {
    return static_cast<std::uint64_t>(unit) * unit_bytes_ / fill_bytes_;
}

bool PagedRegion::is_resident(store::UnitIndex unit) const {
    return blocks_.state(block_of(unit)) == BlockState::resident;
}

}  // namespace sojourn::heap
