#include "heap/internal/paged_heap.hpp"

#include <algorithm>
#include <bit>

namespace sojourn::heap {

namespace {

/// An eighth of a limited cache is set apart for a snapshot's copies.
std::uint64_t copies_bytes_max(const HeapOptions& options) {
    if (!options.cache_bytes) return UINT64_MAX;
    return std::min(*options.cache_bytes / 8, kSpareBytesMax);
}

std::optional<std::uint64_t> pages_bytes_max(const HeapOptions& options) {
    if (!options.cache_bytes) return std::nullopt;
    return *options.cache_bytes - copies_bytes_max(options);
}

Result<void> check_cache(const HeapOptions& options) {
    if (!options.cache_bytes || *options.cache_bytes >= kCacheBytesMin) return {};
    return fail(ErrorCode::invalid_argument,
                "a cache of {} bytes is too small; the smallest is {} KiB", *options.cache_bytes,
                kCacheBytesMin >> 10U);
}

}  // namespace

Result<std::unique_ptr<Heap>> Heap::create(std::shared_ptr<store::Family> family,
                                           store::FencingToken token, const Clock& clock,
                                           const HeapOptions& options) {
    return std::unique_ptr<Heap>(TRY(PagedHeap::create(std::move(family), token, clock, options)));
}

Result<std::unique_ptr<Heap>> Heap::open(std::shared_ptr<store::Family> family,
                                         store::FencingToken token, const Clock& clock,
                                         const HeapOptions& options) {
    return std::unique_ptr<Heap>(TRY(PagedHeap::open(std::move(family), token, clock, options)));
}

PagedHeap::PagedHeap(std::shared_ptr<store::Family> family, store::View view,
                     store::FencingToken token, const Clock& clock,
                     std::unique_ptr<Mechanism> mechanism, std::shared_ptr<ScratchFile> scratch,
                     const HeapOptions& options)
    : source_(std::move(family), view),
      token_(token),
      clock_(clock),
      unit_bytes_(options.unit_bytes),
      fingerprints_(options.unit_bytes),
      copies_bytes_max_(copies_bytes_max(options)),
      mechanism_(std::move(mechanism)),
      scratch_(std::move(scratch)),
      cache_(pages_bytes_max(options)) {}

Result<std::unique_ptr<PagedHeap>> PagedHeap::empty(std::shared_ptr<store::Family> family,
                                                    store::View view, store::FencingToken token,
                                                    const Clock& clock,
                                                    const HeapOptions& options) {
    EXPECTS(options.unit_bytes >= kPageBytes && options.unit_bytes <= store::kUnitBytesMax &&
                std::has_single_bit(options.unit_bytes),
            "a unit is 4, 16 or 64 KiB");
    TRY(check_cache(options));
    const Eviction eviction = options.cache_bytes ? Eviction::needed : Eviction::never;
    const MechanismKind kind = TRY(choose_mechanism(options.mechanism, eviction));
    auto mechanism = TRY(Mechanism::open(kind));
    std::shared_ptr<ScratchFile> scratch;
    if (eviction == Eviction::needed) {
        scratch = TRY(ScratchFile::create(options.scratch_directory, options.unit_bytes));
    }
    return std::unique_ptr<PagedHeap>(new PagedHeap(
        std::move(family), view, token, clock, std::move(mechanism), std::move(scratch), options));
}

Result<std::unique_ptr<PagedHeap>> PagedHeap::create(std::shared_ptr<store::Family> family,
                                                     store::FencingToken token, const Clock& clock,
                                                     const HeapOptions& options) {
    const store::View view = TRY(family->view_of(token.process));
    if (view.version != store::kNoVersion) {
        return fail(ErrorCode::already_exists,
                    "process {} has a heap already, published as checkpoint @{}",
                    token.process.hex(), static_cast<std::uint64_t>(view.version));
    }
    return empty(std::move(family), view, token, clock, options);
}

Result<std::unique_ptr<PagedHeap>> PagedHeap::open(std::shared_ptr<store::Family> family,
                                                   store::FencingToken token, const Clock& clock,
                                                   const HeapOptions& options) {
    const store::View view = TRY(family->view_of(token.process));
    if (view.version == store::kNoVersion) {
        return fail(ErrorCode::not_found, "process {} has no checkpoint to continue from",
                    token.process.hex());
    }
    auto heap = TRY(empty(std::move(family), view, token, clock, options));
    TRY(heap->restore(options.prefetch));
    return heap;
}

Result<void> PagedHeap::restore(bool prefetch) {
    const ByteVector saved = TRY(source_.family().read_attachment(source_.view().version));
    const DecodedAttachment decoded = TRY(decode_attachment(saved));
    if (decoded.table.unit_bytes != unit_bytes_) {
        return fail(ErrorCode::corrupt, "the heap was saved in units of {} bytes, its store has {}",
                    decoded.table.unit_bytes, unit_bytes_);
    }
    for (const RegionRow& row : decoded.table.rows)
        TRY(add_region({row.kind, row.size_bytes, row.reserve_bytes}, row.size_bytes));
    attachment_.assign(decoded.rest.begin(), decoded.rest.end());
    if (prefetch && !decoded.working_set.empty()) {
        std::vector<PagedRegion*> regions;
        for (const auto& region : regions_)
            regions.push_back(region.get());
        prefetcher_.emplace(std::move(regions), cache_, decoded.working_set);
    }
    return {};
}

Result<Region*> PagedHeap::add_region(const RegionSpec& spec) {
    return add_region(spec, 0);
}

Result<Region*> PagedHeap::add_region(const RegionSpec& spec, std::uint64_t stored_bytes) {
    const RegionId id{static_cast<std::uint32_t>(regions_.size() + 1)};
    const Paging paging{unit_bytes_, *mechanism_, source_, cache_, scratch_.get()};
    regions_.push_back(TRY(PagedRegion::create(id, spec, stored_bytes, paging)));
    return static_cast<Region*>(regions_.back().get());
}

Region* PagedHeap::region(RegionId id) {
    const std::size_t index = static_cast<std::size_t>(id) - 1;
    return index < regions_.size() ? regions_[index].get() : nullptr;
}

std::vector<Region*> PagedHeap::regions() {
    std::vector<Region*> all;
    for (const auto& region : regions_)
        all.push_back(region.get());
    return all;
}

ByteVector PagedHeap::region_table() const {
    RegionTable table{static_cast<std::uint32_t>(unit_bytes_), {}};
    for (const auto& region : regions_) {
        table.rows.push_back(
            {region->id(), region->kind(), region->size_bytes(), region->reserve_bytes()});
    }
    return encode_region_table(table);
}

HeapStats PagedHeap::stats() const {
    HeapStats stats;
    for (const auto& region : regions_)
        stats.faults += region->fault_count();
    stats.evictions = cache_.evicted_units();
    stats.resident_bytes = cache_.resident_bytes();
    if (scratch_ != nullptr) stats.scratch_bytes = scratch_->used_slots() * unit_bytes_;
    return stats;
}

std::vector<std::string> PagedHeap::verify() {
    std::vector<std::string> complaints;
    std::uint64_t resident_bytes = 0;
    std::vector<ScratchSlot> slots;
    for (const auto& region : regions_) {
        resident_bytes += region->verify(complaints);
        const auto owned = region->slots();
        slots.insert(slots.end(), owned.begin(), owned.end());
    }
    if (resident_bytes != cache_.resident_bytes()) {
        complaints.push_back(fmt::format("{} bytes are resident, {} are accounted for",
                                         resident_bytes, cache_.resident_bytes()));
    }
    std::sort(slots.begin(), slots.end());
    if (std::adjacent_find(slots.begin(), slots.end()) != slots.end()) {
        complaints.emplace_back("two units share a slot of the scratch file");
    }
    // A snapshot may own some besides.
    if (scratch_ != nullptr && slots.size() > scratch_->used_slots()) {
        complaints.emplace_back("a unit has a slot of the scratch file that counts as free");
    }
    return complaints;
}

}  // namespace sojourn::heap
