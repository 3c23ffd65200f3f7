#include "heap/internal/paged_region.hpp"

#include <algorithm>
#include <array>
#include <unistd.h>

#include "base/file.hpp"
#include "base/trace.hpp"
#include "heap/internal/page_runs.hpp"

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

/// Where a block is put together. Not on the stack: the handler may run on a small one.
alignas(64) thread_local std::array<std::byte, store::kUnitBytesMax> fill_buffer;

constexpr std::uint64_t kFaultAroundBytes = std::uint64_t{64} << 10U;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t grain) {
    return (value + grain - 1) / grain * grain;
}

}  // namespace

Result<std::unique_ptr<PagedRegion>> PagedRegion::create(RegionId id, const RegionSpec& spec,
                                                         std::uint64_t stored_bytes,
                                                         std::uint64_t unit_bytes,
                                                         Mechanism& mechanism,
                                                         const PageSource& source) {
    EXPECTS(spec.reserve_bytes % kPageBytes == 0, "a reservation is whole pages");
    EXPECTS(spec.size_bytes <= spec.reserve_bytes, "a region fits its reservation");
    auto range = TRY(mechanism.reserve(spec.reserve_bytes));
    const std::uint64_t fill_bytes = mechanism.fill_bytes(unit_bytes);
    INVARIANT(fill_bytes % unit_bytes == 0, "a block is whole units");
    BlockTable blocks =
        TRY(BlockTable::create(round_up(spec.reserve_bytes, fill_bytes) / fill_bytes));
    std::unique_ptr<PagedRegion> region(new PagedRegion(id, spec, stored_bytes, unit_bytes,
                                                        mechanism, source, std::move(range),
                                                        std::move(blocks)));
    TRY(region->grow(spec.size_bytes));
    return region;
}

PagedRegion::PagedRegion(RegionId id, const RegionSpec& spec, std::uint64_t stored_bytes,
                         std::uint64_t unit_bytes, const Mechanism& mechanism,
                         const PageSource& source, std::unique_ptr<TrackedRange> range,
                         BlockTable blocks)
    : Region(id, spec.kind, range->base(), 0, spec.reserve_bytes),
      unit_bytes_(unit_bytes),
      fill_bytes_(mechanism.fill_bytes(unit_bytes)),
      write_bytes_(mechanism.write_bytes()),
      stored_bytes_(stored_bytes),
      source_(source),
      range_(std::move(range)),
      blocks_(std::move(blocks)),
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
        joined = range_->install_zeros(from, joining);
        resident_bytes_ += joined.ok() ? joining : 0;
    }
    if (joined.ok()) {
        accessible_bytes_.store(size_bytes, std::memory_order_release);
        size_bytes_ = size_bytes;
    }
    if (cuts_block) blocks_.release(tail, tail_state);
    return joined;
}

Result<MutableBytes> PagedRegion::pin(std::uint64_t offset, std::uint64_t length, Access access) {
    EXPECTS(offset <= size_bytes_ && length <= size_bytes_ - offset,
            "a pinned range lies within its region");
    if (length > 0) {
        const std::uint64_t last = (offset + length - 1) / fill_bytes_;
        for (std::uint64_t block = offset / fill_bytes_; block <= last; ++block)
            TRY(make_resident(block));
        if (access == Access::write) TRY(allow_writes(offset, length));
    }
    return MutableBytes(base_ + offset, length);
}

bool PagedRegion::resolve_fault(std::byte* address) {
    const auto offset = static_cast<std::uint64_t>(address - base_);
    if (offset >= accessible_bytes_.load(std::memory_order_acquire)) return false;
    faults_.fetch_add(1, std::memory_order_relaxed);
    TRACE(heap, "fault", static_cast<std::uint32_t>(id_), offset);
    const std::uint64_t block = offset / fill_bytes_;
    const Result<void> resolved = blocks_.state(block) == BlockState::resident
                                      ? allow_writes(offset, 1)
                                      : make_resident(block);
    if (!resolved) end_process(resolved.error(), id_, unit_at(offset), source_.view().version);
    return true;
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
    const bool is_stored = block * fill_bytes_ < stored_bytes_;
    return is_stored ? fill_from_source(block) : fill_zeros_around(block);
}

Result<void> PagedRegion::fill_from_source(std::uint64_t block) {
    const std::uint64_t begin = block * fill_bytes_;
    const std::uint64_t end = clipped(begin + fill_bytes_);
    const auto fill = [&]() -> Result<void> {
        for (std::uint64_t offset = begin; offset < end; offset += unit_bytes_) {
            const auto out = MutableBytes(fill_buffer).subspan(offset - begin, unit_bytes_);
            TRY(source_.read({id_, unit_at(offset)}, out));
        }
        return range_->install(begin, Bytes(fill_buffer).first(end - begin));
    };
    const Result<void> filled = fill();
    release(block, block + 1, filled.ok() ? BlockState::resident : BlockState::absent);
    return filled;
}

Result<void> PagedRegion::fill_zeros_around(std::uint64_t block) {
    // A fault beside what is resident looks like a walk, and its next steps cost next to nothing
    // now that a signal was taken. Blocks that other threads are at are left to them.
    const std::uint64_t group = std::max(kFaultAroundBytes, fill_bytes_);
    const std::uint64_t group_begin = block * fill_bytes_ / group * group;
    std::uint64_t first = block;
    std::uint64_t end = block + 1;
    const std::uint64_t block_count = blocks_in(clipped(reserve_bytes_));
    if (end < block_count && blocks_.state(end) == BlockState::resident) {
        const std::uint64_t first_allowed = blocks_in(std::max(group_begin, stored_bytes_));
        while (first > first_allowed && blocks_.try_claim(first - 1))
            --first;
    }
    if (block > 0 && blocks_.state(block - 1) == BlockState::resident) {
        const std::uint64_t end_allowed = blocks_in(clipped(group_begin + group));
        while (end < end_allowed && blocks_.try_claim(end))
            ++end;
    }
    const std::uint64_t begin_offset = first * fill_bytes_;
    const Result<void> filled =
        range_->install_zeros(begin_offset, clipped(end * fill_bytes_) - begin_offset);
    release(first, end, filled.ok() ? BlockState::resident : BlockState::absent);
    return filled;
}

Result<void> PagedRegion::allow_writes(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t begin = offset / write_bytes_ * write_bytes_;
    const std::uint64_t end = clipped(round_up(offset + length, write_bytes_));
    return range_->allow_writes(begin, end - begin);
}

void PagedRegion::release(std::uint64_t first_block, std::uint64_t end_block, BlockState state) {
    if (state == BlockState::resident) {
        resident_bytes_ += clipped(end_block * fill_bytes_) - first_block * fill_bytes_;
    }
    for (std::uint64_t block = first_block; block < end_block; ++block)
        blocks_.release(block, state);
}

std::uint64_t PagedRegion::clipped(std::uint64_t offset) const {
    return std::min(offset, accessible_bytes_.load(std::memory_order_acquire));
}

std::uint64_t PagedRegion::blocks_in(std::uint64_t length) const {
    return round_up(length, fill_bytes_) / fill_bytes_;
}

store::UnitIndex PagedRegion::unit_at(std::uint64_t offset) const {
    return store::UnitIndex{offset / unit_bytes_};
}

template <typename Visit>
Result<void> PagedRegion::for_each_resident_run(const Visit& visit) const {
    const std::uint64_t block_count = blocks_in(size_bytes_);
    std::uint64_t block = 0;
    while (block < block_count) {
        const std::uint64_t first = block;
        while (block < block_count && blocks_.state(block) == BlockState::resident)
            ++block;
        if (block > first) {
            const std::uint64_t begin = first * fill_bytes_;
            TRY(visit(begin, clipped(block * fill_bytes_) - begin));
        }
        while (block < block_count && blocks_.state(block) != BlockState::resident)
            ++block;
    }
    return {};
}

Result<void> PagedRegion::collect_dirty(AfterCollect after, PageRuns& runs) {
    return for_each_resident_run([&](std::uint64_t offset, std::uint64_t length) {
        return range_->collect_dirty(offset, length, after, runs);
    });
}

void PagedRegion::copy_unit(store::UnitIndex unit, MutableBytes out) const {
    const std::uint64_t begin = static_cast<std::uint64_t>(unit) * unit_bytes_;
    const std::uint64_t length = std::min(unit_bytes_, size_bytes_ - begin);
    INVARIANT(blocks_.state(begin / fill_bytes_) == BlockState::resident,
              "a dirty page's unit is complete in memory");
    std::copy_n(base_ + begin, length, out.begin());
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(length), out.end(), std::byte{0});
}

void PagedRegion::verify(const PageRuns& dirty, std::vector<std::string>& complaints) const {
    const auto complain = [&](std::uint64_t offset, std::string_view what) {
        complaints.push_back(
            fmt::format("region {} at {:#x}: {}", static_cast<std::uint32_t>(id_), offset, what));
    };
    if (accessible_bytes_.load() != size_bytes_) complain(size_bytes_, "two sizes");
    const std::vector<store::UnitIndex> dirty_units = units_of(dirty, unit_bytes_);
    std::vector<std::byte> memory(unit_bytes_);
    std::vector<std::byte> stored(unit_bytes_);
    for (std::uint64_t offset = 0; offset < size_bytes_; offset += unit_bytes_) {
        const BlockState state = blocks_.state(offset / fill_bytes_);
        if (state == BlockState::filling) complain(offset, "a fill that never ended");
        const bool is_dirty =
            std::binary_search(dirty_units.begin(), dirty_units.end(), unit_at(offset));
        if (is_dirty && state != BlockState::resident) complain(offset, "dirty and not resident");
        if (is_dirty || state != BlockState::resident) continue;

        copy_unit(unit_at(offset), memory);
        const auto read = source_.read({id_, unit_at(offset)}, stored);
        if (!read) complain(offset, read.error().message);
        if (read.ok() && memory != stored) complain(offset, "clean and not what the store has");
    }
}

}  // namespace sojourn::heap
