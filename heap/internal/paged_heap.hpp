#pragma once

#include "heap/heap.hpp"
#include "heap/internal/cache.hpp"
#include "heap/internal/page_snapshot.hpp"
#include "heap/internal/page_source.hpp"
#include "heap/internal/paged_region.hpp"
#include "heap/internal/prefetcher.hpp"
#include "heap/internal/region_table.hpp"
#include "heap/internal/version_draft.hpp"
#include "heap/mechanism.hpp"

namespace sojourn::heap {

/// How much room for a snapshot's copies is kept from one to the next.
inline constexpr std::uint64_t kSpareBytesMax = std::uint64_t{64} << 20U;

/// The Heap there is: regions paged by a mechanism out of a store's family.
class PagedHeap final : public Heap {
public:
    static Result<std::unique_ptr<PagedHeap>> create(std::shared_ptr<store::Family> family,
                                                     store::FencingToken token, const Clock& clock,
                                                     const HeapOptions& options);
    static Result<std::unique_ptr<PagedHeap>> open(std::shared_ptr<store::Family> family,
                                                   store::FencingToken token, const Clock& clock,
                                                   const HeapOptions& options);

    Result<Region*> add_region(const RegionSpec& spec) override;
    Region* region(RegionId id) override;
    std::vector<Region*> regions() override;
    Bytes attachment() const override { return attachment_; }

    std::uint64_t dirty_bytes_estimate() const override;
    Result<void> precopy(unsigned rounds_max, const std::atomic<bool>& stop) override;
    Result<std::unique_ptr<Snapshot>> snapshot() override;
    Result<store::CheckpointInfo> commit(std::unique_ptr<Snapshot> snapshot, Bytes attachment,
                                         const CommitOptions& options) override;

    MechanismKind mechanism() const override { return mechanism_->kind(); }
    HeapStats stats() const override;
    std::vector<std::string> verify() override;

private:
    PagedHeap(std::shared_ptr<store::Family> family, store::View view, store::FencingToken token,
              const Clock& clock, std::unique_ptr<Mechanism> mechanism,
              std::shared_ptr<ScratchFile> scratch, const HeapOptions& options);

    static Result<std::unique_ptr<PagedHeap>> empty(std::shared_ptr<store::Family> family,
                                                    store::View view, store::FencingToken token,
                                                    const Clock& clock, const HeapOptions& options);
    Result<void> restore(bool prefetch);
    Result<Region*> add_region(const RegionSpec& spec, std::uint64_t stored_bytes);

    void enlist(PageSnapshot& snapshot);
    Result<Mapping> copy_buffer(std::uint64_t length);
    Result<void> assign_room(PageSnapshot& snapshot);
    void copy_units(const PageSnapshot& snapshot);
    /// Requires: one of the heap's.
    [[nodiscard]] PagedRegion& region_of(store::UnitKey key) const {
        return *regions_[static_cast<std::size_t>(key.region) - 1];
    }
    [[nodiscard]] ByteVector region_table() const;

    Result<VersionDraft*> draft();
    Result<void> write_round_ahead(const std::atomic<bool>& stop);
    void give_up_draft();

    Result<void> publish(const PageSnapshot& snapshot, Bytes attachment,
                         store::ProcessState state_after, store::CheckpointInfo& info);
    [[nodiscard]] WorkingSet working_set() const;
    Result<void> complete_draft(const PageSnapshot& snapshot);
    void note_published(const PageSnapshot& snapshot);

    PageSource source_;
    const store::FencingToken token_;
    const Clock& clock_;
    const std::uint64_t unit_bytes_;
    const Fingerprinter fingerprints_;
    const std::uint64_t copies_bytes_max_;  ///< of a snapshot
    ByteVector attachment_;

    // Regions borrow all of these, so they come after them.
    std::unique_ptr<Mechanism> mechanism_;
    std::shared_ptr<ScratchFile> scratch_;  ///< nullptr: nothing is ever evicted
    Cache cache_;
    std::vector<std::unique_ptr<PagedRegion>> regions_;

    std::optional<VersionDraft> draft_;          ///< what precopy() and commit() write to
    std::optional<store::Version> stale_draft_;  ///< given up, and the store does not know it yet
    std::uint64_t snapshot_serial_ = 0;
    std::optional<Prefetcher> prefetcher_;
    Mapping spare_copies_;  ///< touched before: the next snapshot need not wait for memory
};

}  // namespace sojourn::heap
