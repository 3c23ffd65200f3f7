#pragma once

#include <atomic>
#include <mutex>

#include "heap/heap.hpp"
#include "heap/internal/block_table.hpp"
#include "heap/internal/fault_registry.hpp"
#include "heap/internal/page_source.hpp"
#include "heap/mechanism.hpp"

namespace sojourn::heap {

/// A region whose blocks come from a PageSource when they are touched.
///
/// A block is what is paged in as a whole: at least a unit, so that a dirty page's unit is always
/// complete in memory. Borrows the mechanism and the source.
class PagedRegion final : public Region, private FaultTarget {
public:
    /// `stored_bytes`: from there on the source has nothing but zeros and is not asked.
    static Result<std::unique_ptr<PagedRegion>> create(RegionId id, const RegionSpec& spec,
                                                       std::uint64_t stored_bytes,
                                                       std::uint64_t unit_bytes,
                                                       Mechanism& mechanism,
                                                       const PageSource& source);

    Result<void> grow(std::uint64_t size_bytes) override;
    Result<MutableBytes> pin(std::uint64_t offset, std::uint64_t length, Access access) override;

    /// Appends the dirty pages, in order; see TrackedRange::collect_dirty().
    /// Requires: nobody touches the region meanwhile.
    Result<void> collect_dirty(AfterCollect after, PageRuns& runs);

    /// Copies one unit out; what lies behind the region's end is zeros.
    /// Requires: its block is resident.
    void copy_unit(store::UnitIndex unit, MutableBytes out) const;

    [[nodiscard]] std::uint64_t fault_count() const { return faults_.load(); }
    [[nodiscard]] std::uint64_t resident_bytes() const { return resident_bytes_.load(); }

    /// As Heap::verify(). `dirty` are the pages that need not equal the source's.
    void verify(const PageRuns& dirty, std::vector<std::string>& complaints) const;

private:
    PagedRegion(RegionId id, const RegionSpec& spec, std::uint64_t stored_bytes,
                std::uint64_t unit_bytes, const Mechanism& mechanism, const PageSource& source,
                std::unique_ptr<TrackedRange> range, BlockTable blocks);

    bool resolve_fault(std::byte* address) override;

    Result<void> make_resident(std::uint64_t block);
    Result<void> fill_claimed(std::uint64_t block);
    Result<void> fill_from_source(std::uint64_t block);
    Result<void> fill_zeros_around(std::uint64_t block);
    Result<void> allow_writes(std::uint64_t offset, std::uint64_t length);
    void release(std::uint64_t first_block, std::uint64_t end_block, BlockState state);

    /// `offset`, or the end of what is accessible when that comes first.
    [[nodiscard]] std::uint64_t clipped(std::uint64_t offset) const;
    /// How many blocks `length` bytes from the region's start take, the last perhaps in part.
    [[nodiscard]] std::uint64_t blocks_in(std::uint64_t length) const;
    [[nodiscard]] store::UnitIndex unit_at(std::uint64_t offset) const;
    template <typename Visit>
    Result<void> for_each_resident_run(const Visit& visit) const;

    const std::uint64_t unit_bytes_;
    const std::uint64_t fill_bytes_;
    const std::uint64_t write_bytes_;
    const std::uint64_t stored_bytes_;
    const PageSource& source_;
    std::unique_ptr<TrackedRange> range_;
    BlockTable blocks_;
    std::mutex grow_mutex_;
    std::atomic<std::uint64_t> accessible_bytes_ = 0;  ///< size_bytes_, for the fault handler
    std::atomic<std::uint64_t> faults_ = 0;
    std::atomic<std::uint64_t> resident_bytes_ = 0;
    FaultRegistration registration_;
};

}  // namespace sojourn::heap
