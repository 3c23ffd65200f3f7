#pragma once

#include <memory>
#include <vector>

#include "heap/types.hpp"
#include "store/family.hpp"

namespace sojourn::heap {

/// The regions of a heap as a checkpoint has them, to look at: nobody runs, nothing is mapped.
/// Shares the family; used by one thread.
class StoredHeap {
public:
    struct Region {
        RegionId id{0};
        RegionKind kind = RegionKind::memory;
        std::uint64_t size_bytes = 0;
        std::uint64_t reserve_bytes = 0;
    };

    /// `unit_bytes` are the store's. Errors: not_found, corrupt, unsupported_format.
    static Result<StoredHeap> open(std::shared_ptr<const store::Family> family,
                                   store::Version checkpoint, std::size_t unit_bytes);

    [[nodiscard]] const std::vector<Region>& regions() const { return regions_; }
    [[nodiscard]] std::size_t unit_bytes() const { return unit_.size(); }

    /// Requires: the range lies within the region. Errors: corrupt, io; both also once somebody has
    /// removed the checkpoint, or other bytes: expect_there() tells.
    Result<void> read(const Region& region, std::uint64_t offset, MutableBytes out);

    /// That the checkpoint has not been removed: what was read before is what it had. Errors:
    /// not_found.
    Result<void> expect_there() const;

private:
    StoredHeap(std::shared_ptr<const store::Family> family, store::Version checkpoint,
               store::View view)
        : family_(std::move(family)), checkpoint_(checkpoint), view_(view) {}
    Result<Bytes> unit(store::UnitKey key);

    std::shared_ptr<const store::Family> family_;
    store::Version checkpoint_;
    store::View view_;
    std::vector<Region> regions_;
    ByteVector unit_;  ///< the one that was read last
    store::UnitKey unit_key_;
};

}  // namespace sojourn::heap
