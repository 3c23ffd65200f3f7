#pragma once

#include <atomic>
#include <mutex>

#include "heap/heap.hpp"
#include "heap/internal/block_table.hpp"
#include "heap/internal/cache.hpp"
#include "heap/internal/fault_registry.hpp"
#include "heap/internal/page_snapshot.hpp"
#include "heap/internal/unit_ledger.hpp"
#include "heap/internal/version_draft.hpp"
#include "heap/internal/working_set.hpp"
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

    /// Brings in what is missing of a group and nobody else is at. What can't be read stays
    /// missing: nobody asked for it. False: the region ends before it. Guests may run.
    bool bring_in_group(std::uint64_t group);
    /// Adds what is in memory at about this time, what is to be published first.
    void append_working_set(std::size_t runs_max, WorkingSet& set) const;

    /// How much the next version would take of it by now. Any thread may ask while guests run.
    /// Errors: io.
    Result<std::uint64_t> unpublished_bytes() const;
    /// Gives the draft all of that, as far as nobody is at it or has it pinned; what is written to
    /// it later counts as dirty again. Guests may run; no snapshot is uncommitted. Ends early, at
    /// no loss, once `stop` is set. Errors: as VersionDraft::add(), io from the scratch file.
    Result<void> write_ahead(VersionDraft& draft, const std::atomic<bool>& stop);
    /// Asks the processor for what a snapshot would read by now, page tables included. Guests may
    /// run. Errors: io.
    Result<void> announce_dirty() const;
    /// Makes later looks at what is dirty cheaper where nothing was written for some versions.
    void cool_down();
    /// The draft was dropped: what it was given is unpublished again.
    void take_back();

    // The next five are a snapshot's. Requires: nobody touches the region meanwhile.

    /// Adds the pages that are dirty to those that no version has, and counts them as clean.
    Result<void> collect_dirty();
    /// Appends what a snapshot takes, by unit: the slots of units in the scratch file, of which it
    /// becomes an owner, and the pages to be copied. Returns the number of pages.
    std::uint64_t enlist(std::vector<PageSnapshot::Unit>& units);
    /// Asks the processor for what copy_pages() will read first: a page far from the last one costs
    /// a third less then.
    void announce_copy(const UnitPages& pages) const;
    /// copy_pages() of the unit will follow: its slot, if it has one, is older from now on.
    void note_copied(store::UnitIndex unit) { ledger_.note_copied(unit); }
    /// Copies pages of one unit out for a snapshot, one after the other; returns the end of what
    /// was written. Several threads may copy at once. Requires: it is resident.
    std::byte* copy_pages(const UnitPages& pages, std::byte* to) const;
    /// Copies the whole unit into a slot. Errors: store_full, io.
    Result<ScratchSlot> copy_unit_aside(store::UnitIndex unit);

    /// A version has the unit, as `published`. Guests may run.
    void settle(store::UnitIndex unit, const Fingerprint& published);
    /// What the draft was given before the newest snapshot, which took the other pages.
    [[nodiscard]] std::uint64_t drafted_pages() const;
    /// All of both is published.
    void forget_unpublished();

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
    std::uint64_t enlist_slots(std::size_t first, std::vector<PageSnapshot::Unit>& units);

    Result<void> write_blocks_ahead(const PageRuns& dirty, VersionDraft& draft,
                                    const std::atomic<bool>& stop, PageRuns& taken);
    Result<void> write_window_ahead(BlockRun window, VersionDraft& draft, PageRuns& taken);
    Result<void> write_run_ahead(BlockRun run, VersionDraft& draft, PageRuns& taken);
    Result<void> copy_run_ahead(BlockRun run, MutableBytes copy, PageRuns& pages);
    Result<void> write_slots_ahead(VersionDraft& draft, const std::atomic<bool>& stop);
    Result<void> write_slot_ahead(store::UnitIndex unit, MutableBytes content, VersionDraft& draft);

    /// `offset`, or the end of what is accessible when that comes first.
    [[nodiscard]] std::uint64_t clipped(std::uint64_t offset) const;
    /// How many blocks `length` bytes from the region's start take, the last perhaps in part.
    [[nodiscard]] std::uint64_t blocks_in(std::uint64_t length) const;
    [[nodiscard]] std::uint64_t bytes_in(BlockRun run) const;
    [[nodiscard]] store::UnitIndex unit_at(std::uint64_t offset) const;
    [[nodiscard]] std::uint64_t unit_count() const;
    [[nodiscard]] std::uint64_t block_of(store::UnitIndex unit) const;
    [[nodiscard]] PageRun pages_in(store::UnitIndex unit) const;
    [[nodiscard]] store::UnitKey key_of(store::UnitIndex unit) const { return {id_, unit}; }
    [[nodiscard]] bool is_resident(store::UnitIndex unit) const;
    [[nodiscard]] std::uint32_t number() const { return static_cast<std::uint32_t>(id_) - 1; }

    const std::uint64_t unit_bytes_;
    const std::uint64_t fill_bytes_;
    const std::uint64_t write_bytes_;
    const PageSource& source_;
    ScratchFile* const scratch_;
    Cache& cache_;
    std::unique_ptr<TrackedRange> range_;
    BlockTable blocks_;
    UnitLedger ledger_;
    std::mutex grow_mutex_;
    std::atomic<std::uint64_t> accessible_bytes_ = 0;  ///< size_bytes_, for the fault handler
    std::atomic<std::uint64_t> faults_ = 0;

    /// Pages that the mechanism counts as clean, and that neither a version nor its draft has. Only
    /// a draft or a publication takes pages from it, so that a failed or forgotten commit loses
    /// none.
    PageRuns unpublished_;
    /// Pages that the draft was given, as they still are unless they are dirty or unpublished
    /// again.
    PageRuns drafted_;
    std::uint64_t drafted_slot_pages_ = 0;
    FaultRegistration registration_;
};

}  // namespace sojourn::heap
