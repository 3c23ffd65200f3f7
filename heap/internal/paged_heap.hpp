#pragma once

#include "heap/heap.hpp"
#include "heap/internal/page_source.hpp"
#include "heap/internal/paged_region.hpp"
#include "heap/internal/region_table.hpp"
#include "heap/mechanism.hpp"

namespace sojourn::heap {

/// The units of one moment, one after the other in a buffer of the heap's.
class PageSnapshot final : public Snapshot {
public:
    [[nodiscard]] std::uint64_t dirty_pages() const override { return dirty_pages_; }

private:
    friend class PagedHeap;

    std::uint64_t serial_ = 0;
    std::uint64_t dirty_pages_ = 0;
    ByteVector region_table_;  ///< as it was then: regions may grow before the commit
    std::vector<store::UnitKey> keys_;
    Mapping copies_;  ///< keys_.size() units
};

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

    Result<std::unique_ptr<Snapshot>> snapshot() override;
    Result<store::CheckpointInfo> commit(std::unique_ptr<Snapshot> snapshot, Bytes attachment,
                                         const CommitOptions& options) override;

    MechanismKind mechanism() const override { return mechanism_->kind(); }
    HeapStats stats() const override;
    std::vector<std::string> verify() override;

private:
    PagedHeap(std::shared_ptr<store::Family> family, store::View view, store::FencingToken token,
              const Clock& clock, std::unique_ptr<Mechanism> mechanism, std::uint64_t unit_bytes);

    static Result<std::unique_ptr<PagedHeap>> empty(std::shared_ptr<store::Family> family,
                                                    store::View view, store::FencingToken token,
                                                    const Clock& clock, const HeapOptions& options);
    Result<void> restore();
    Result<Region*> add_region(const RegionSpec& spec, std::uint64_t stored_bytes);

    Result<void> collect_dirty();
    Result<Mapping> copy_buffer(std::uint64_t length);
    void copy_units(PageSnapshot& snapshot) const;
    [[nodiscard]] ByteVector region_table() const;

    Result<void> publish(const PageSnapshot& snapshot, Bytes attachment,
                         store::ProcessState state_after, store::CheckpointInfo& info);

    PageSource source_;
    const store::FencingToken token_;
    const Clock& clock_;
    const std::uint64_t unit_bytes_;
    ByteVector attachment_;

    // Regions borrow the mechanism and the source, so they come after them.
    std::unique_ptr<Mechanism> mechanism_;
    std::vector<std::unique_ptr<PagedRegion>> regions_;

    /// By region: pages that the mechanism counts as clean and no version has yet. Emptied by
    /// nothing but a publication, so that a failed or forgotten commit loses no page.
    std::vector<PageRuns> unpublished_;
    std::uint64_t snapshot_serial_ = 0;
    Mapping spare_copies_;  ///< touched before: the next snapshot need not wait for memory
};

}  // namespace sojourn::heap
