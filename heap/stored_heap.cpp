#include "heap/stored_heap.hpp"

#include <algorithm>

#include "heap/internal/region_table.hpp"

namespace sojourn::heap {

Result<StoredHeap> StoredHeap::open(std::shared_ptr<const store::Family> family,
                                    store::Version checkpoint, std::size_t unit_bytes) {
    const ByteVector attachment = TRY(family->read_attachment(checkpoint));
    const DecodedAttachment decoded = TRY(decode_attachment(attachment));
    const store::View view = TRY(family->view_of(checkpoint));
    if (decoded.table.unit_bytes != unit_bytes) {
        return fail(ErrorCode::corrupt, "a heap of units of {} bytes in a store of {}",
                    decoded.table.unit_bytes, unit_bytes);
    }
    StoredHeap heap(std::move(family), checkpoint, view);
    heap.unit_.resize(unit_bytes);
    for (const RegionRow& row : decoded.table.rows)
        heap.regions_.push_back({row.id, row.kind, row.size_bytes, row.reserve_bytes});
    return heap;
}

Result<void> StoredHeap::read(const Region& region, std::uint64_t offset, MutableBytes out) {
    EXPECTS(offset <= region.size_bytes && out.size() <= region.size_bytes - offset,
            "what is read lies within the region");
    while (!out.empty()) {
        const std::uint64_t within = offset % unit_.size();
        const Bytes content = TRY(unit({region.id, store::UnitIndex{offset / unit_.size()}}));
        const auto length = std::min<std::uint64_t>(out.size(), content.size() - within);
        std::ranges::copy(content.subspan(within, length), out.begin());
        out = out.subspan(length);
        offset += length;
    }
    return {};
}

Result<Bytes> StoredHeap::unit(store::UnitKey key) {
    if (key == unit_key_) return Bytes(unit_);
    unit_key_ = {};
    const auto state = TRY(family_->read_unit(view_, key, unit_));
    if (state == store::UnitState::absent) std::ranges::fill(unit_, std::byte{0});
    unit_key_ = key;
    return Bytes(unit_);
}

Result<void> StoredHeap::expect_there() const {
    TRY(family_->checkpoint(checkpoint_));
    return {};
}

}  // namespace sojourn::heap
