#pragma once

#include <atomic>
#include <mutex>

#include "heap/heap.hpp"
#include "heap/internal/block_table.hpp"
#include "heap/internal/cache.hpp"
#include "heap/internal/fault_registry.hpp"
#include "heap/internal/page_snapshot.hpp"
#include "heap/internal/unit_ledger.hpp"
#include "heap/mechanism.hpp"

namespace sojourn::heap {

/// What the regions of one heap share. Borrowed by all of them.
struct Paging {
    std::uint64_t unit_bytes;
    Mechanism& mechanism;
    const PageSource& source;
    Cache& cache;
    ScratchFile* scratch;  ///< nullptr: nothing is ever evicted
};

/// A region whose blocks come from their source of truth when they are touched, and go back there
/// when the cache is full.
///
/// A block is what is paged in as a whole: at least a unit, so that a dirty page's unit is always
/// complete in memory. Whoever changes a block, or what is known of its units, has claimed it in
/// the block table, or runs while nobody else does.
class PagedRegion final : public Region, private FaultTarget, private Evictable {
public:
    /// `stored_bytes`: from there on the source has nothing but zeros and is not asked.
    static Result<std::unique_ptr<PagedRegion>> create(RegionId id, const RegionSpec& spec,
                                                       std::uint64_t stored_bytes,
                                                       const Paging& paging);

    Result<void> grow(std::uint64_t size_bytes) override;

    // The next three are a snapshot's. Requires: nobody touches the region meanwhile.

    /// Adds the pages that are dirty to those that no version has, and counts them as clean.
    Result<void> collect_dirty();
    /// Appends what a snapshot takes, by unit: the slots of units in the scratch file, of which it
    /// becomes an owner, and kNoSlot for units to be copied. Returns the number of pages.
    std::uint64_t enlist(std::vector<PageSnapshot::Unit>& units);
    /// Copies one unit out for a snapshot. Requires: it is resident.
    void copy_unit(store::UnitIndex unit, MutableBytes out);
    /// As copy_unit(), into a slot. Errors: store_full, io.
    Result<ScratchSlot> copy_unit_aside(store::UnitIndex unit);

    /// A version has what a snapshot took of a unit; `copy` is empty when it came from a slot.
    /// Guests may run.
    void settle(const PageSnapshot::Unit& unit, Bytes copy);
    /// All of the newest snapshot has been settled.
    void forget_unpublished() { unpublished_.clear(); }

    [[nodiscard]] std::uint64_t fault_count() const { return faults_.load(); }

    /// As Heap::verify(). Returns the bytes that are resident.
    std::uint64_t verify(std::vector<std::string>& complaints) const;
    /// The slots that its units own.
    [[nodiscard]] std::vector<ScratchSlot> slots() const;

private:
    PagedRegion(RegionId id, const RegionSpec& spec, const Paging& paging,
                std::unique_ptr<TrackedRange> range, BlockTable blocks, UnitLedger ledger);

    Result<void> hold(std::uint64_t offset, std::uint64_t length, Access access) override;
    void let_loose(std::uint64_t offset, std::uint64_t length) override;
    bool resolve_fault(std::byte* address) override;

    Result<void> make_resident(std::uint64_t block);
    Result<void> open_or_fill(std::uint64_t offset);
    Result<void> fill_claimed(std::uint64_t block);
    BlockRun claim_walk(std::uint64_t block);
    Result<void> fill(BlockRun run);
    Result<void> allow_writes(std::uint64_t offset, std::uint64_t length);
    void release(BlockRun run, BlockState state);

    Outcome evict(std::uint32_t group) override;
    bool evict_claimed(BlockRun run, Outcome& outcome);
    Result<void> put_units_aside(std::uint64_t offset, Bytes content);

    /// One call of collect_dirty() of the mechanism.
    struct Span {
        std::uint64_t begin;
        std::uint64_t end;
        Missing missing;
    };
    template <typename Visit>
    Result<void> for_each_span(const Visit& visit) const;
    Result<void> collect_dirty(AfterCollect after, PageRuns& runs) const;
    void read_unit(store::UnitIndex unit, MutableBytes out) const;

    /// `offset`, or the end of what is accessible when that comes first.
    [[nodiscard]] std::uint64_t clipped(std::uint64_t offset) const;
    /// How many blocks `length` bytes from the region's start take, the last perhaps in part.
    [[nodiscard]] std::uint64_t blocks_in(std::uint64_t length) const;
    [[nodiscard]] std::uint64_t bytes_in(BlockRun run) const;
    [[nodiscard]] store::UnitIndex unit_at(std::uint64_t offset) const;
    [[nodiscard]] std::uint64_t unit_count() const;
    [[nodiscard]] bool is_resident(store::UnitIndex unit) const;
    [[nodiscard]] std::uint32_t number() const { return static_cast<std::uint32_t>(id_) - 1; }

    const std::uint64_t unit_bytes_;
    const std::uint64_t fill_bytes_;
    const std::uint64_t write_bytes_;
    const PageSource& source_;
    Cache& cache_;
    std::unique_ptr<TrackedRange> range_;
    BlockTable blocks_;
    UnitLedger ledger_;
    std::mutex grow_mutex_;
    std::atomic<std::uint64_t> accessible_bytes_ = 0;  ///< size_bytes_, for the fault handler
    std::atomic<std::uint64_t> faults_ = 0;

    /// Pages that the mechanism counts as clean and no version has yet. Emptied by nothing but a
    /// publication, so that a failed or forgotten commit loses no page.
    PageRuns unpublished_;
    FaultRegistration registration_;
};

}  // namespace sojourn::heap
