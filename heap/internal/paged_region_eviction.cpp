// How blocks of a region leave memory. Not by a look at what is dirty: a thread may write between
// the look and the removal. What a page holds is final once it is taken out of the writers' reach,
// and is then compared with what the source of truth has.

#include <algorithm>

#include "base/thread_buffer.hpp"
#include "base/trace.hpp"
#include "heap/internal/paged_region.hpp"

namespace sojourn::heap {

namespace {

/// A unit that the region's end cuts through, completed with zeros.
const ThreadBuffer cut_unit(store::kUnitBytesMax);

}  // namespace

Evictable::Outcome PagedRegion::evict(std::uint32_t group) {
    const std::uint64_t begin = group * kGroupBytes;
    const std::uint64_t end = blocks_in(clipped(begin + kGroupBytes));
    Outcome outcome;
    for (std::uint64_t block = begin / fill_bytes_; block < end;) {
        BlockRun run{block, block};
        while (run.end < end && blocks_.try_claim_resident(run.end))
            ++run.end;
        if (run.end > run.first) {
            const bool left = evict_claimed(run, outcome);
            blocks_.release(run, left ? BlockState::absent : BlockState::resident);
            outcome.left_some |= !left;
        }
        if (run.end < end) outcome.left_some |= blocks_.state(run.end) != BlockState::absent;
        block = run.end + 1;
    }
    TRACE(heap, "evicted", static_cast<std::uint32_t>(id_), begin, outcome.freed_bytes);
    return outcome;
}

bool PagedRegion::evict_claimed(BlockRun run, Outcome& outcome) {
    const std::uint64_t begin = run.first * fill_bytes_;
    const std::uint64_t length = bytes_in(run);
    const Bytes content = range_->take_out(begin, length);
    if (content.empty()) return false;
    if (!put_units_aside(begin, content)) {
        range_->put_back(begin, length);
        return false;
    }
    range_->let_go(begin, length);
    outcome.freed_bytes += length;
    outcome.freed_units += (length + unit_bytes_ - 1) / unit_bytes_;
    return true;
}

Result<void> PagedRegion::put_units_aside(std::uint64_t offset, Bytes content) {
    while (content.size() >= unit_bytes_) {
        TRY(ledger_.put_aside(unit_at(offset), content.first(unit_bytes_)));
        content = content.subspan(unit_bytes_);
        offset += unit_bytes_;
    }
    if (content.empty()) return {};
    const auto whole = cut_unit.get().first(unit_bytes_);
    const auto rest = std::copy(content.begin(), content.end(), whole.begin());
    std::fill(rest, whole.end(), std::byte{0});
    return ledger_.put_aside(unit_at(offset), whole);
}

}  // namespace sojourn::heap
