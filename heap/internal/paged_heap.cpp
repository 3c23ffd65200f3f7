#include "heap/internal/paged_heap.hpp"

#include <algorithm>
#include <bit>

#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "heap/internal/unit_writer.hpp"

namespace sojourn::heap {

namespace {

constexpr std::uint64_t kSpareBytesMax = std::uint64_t{64} << 20U;

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
    TRY(heap->restore());
    return heap;
}

Result<void> PagedHeap::restore() {
    const ByteVector saved = TRY(source_.family().read_attachment(source_.view().version));
    const DecodedAttachment decoded = TRY(decode_attachment(saved));
    if (decoded.table.unit_bytes != unit_bytes_) {
        return fail(ErrorCode::corrupt, "the heap was saved in units of {} bytes, its store has {}",
                    decoded.table.unit_bytes, unit_bytes_);
    }
    for (const RegionRow& row : decoded.table.rows)
        TRY(add_region({row.kind, row.size_bytes, row.reserve_bytes}, row.size_bytes));
    attachment_.assign(decoded.rest.begin(), decoded.rest.end());
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

Result<std::unique_ptr<Snapshot>> PagedHeap::snapshot() {
    for (const auto& region : regions_)
        TRY(region->collect_dirty());
    auto snapshot = std::make_unique<PageSnapshot>(unit_bytes_, scratch_);
    snapshot->serial_ = ++snapshot_serial_;
    snapshot->region_table_ = region_table();
    enlist(*snapshot);
    TRY(copy_units(*snapshot));
    TRACE(heap, "snapshot", snapshot->dirty_pages_, snapshot->units_.size(),
          snapshot->residue_bytes_);
    return std::unique_ptr<Snapshot>(std::move(snapshot));
}

void PagedHeap::enlist(PageSnapshot& snapshot) {
    for (const auto& region : regions_) {
        snapshot.regions_.push_back(region.get());
        snapshot.dirty_pages_ += region->enlist(snapshot.units_);
    }
}

/// What does not fit the buffer goes to the scratch file, where it is a snapshot's as well.
Result<void> PagedHeap::copy_units(PageSnapshot& snapshot) {
    const auto copies = static_cast<std::uint64_t>(
        std::count_if(snapshot.units_.begin(), snapshot.units_.end(),
                      [](const PageSnapshot::Unit& unit) { return unit.slot == kNoSlot; }));
    std::uint64_t room = std::min(copies, copies_bytes_max_ / unit_bytes_);
    snapshot.copies_ = TRY(copy_buffer(room * unit_bytes_));
    std::byte* to = snapshot.copies_.base();
    for (PageSnapshot::Unit& unit : snapshot.units_) {
        if (unit.slot != kNoSlot) continue;
        PagedRegion& region = *regions_[static_cast<std::size_t>(unit.region) - 1];
        if (room > 0) {
            region.copy_unit(unit.index, MutableBytes(to, unit_bytes_));
            to += unit_bytes_;
            --room;
        } else {
            unit.slot = TRY(region.copy_unit_aside(unit.index));
            snapshot.residue_bytes_ += unit_bytes_;
        }
    }
    return {};
}

/// The spare one when it is large enough: touching new memory takes longer than the copy.
Result<Mapping> PagedHeap::copy_buffer(std::uint64_t length) {
    Mapping buffer = std::exchange(spare_copies_, {});
    if (buffer.length() >= length) return buffer;
    return Mapping::buffer(std::min(std::bit_ceil(length), copies_bytes_max_));
}

ByteVector PagedHeap::region_table() const {
    RegionTable table{static_cast<std::uint32_t>(unit_bytes_), {}};
    for (const auto& region : regions_) {
        table.rows.push_back(
            {region->id(), region->kind(), region->size_bytes(), region->reserve_bytes()});
    }
    return encode_region_table(table);
}

Result<store::CheckpointInfo> PagedHeap::commit(std::unique_ptr<Snapshot> snapshot,
                                                Bytes attachment, const CommitOptions& options) {
    EXPECTS(snapshot != nullptr, "a commit needs a snapshot");
    auto& pages = static_cast<PageSnapshot&>(*snapshot);  // no other kind is ever made
    EXPECTS(pages.serial_ == snapshot_serial_, "the newest snapshot is the one to commit");

    const std::uint64_t started_ns =
        options.requested_at_ns != 0 ? options.requested_at_ns : clock_.monotonic_ns();
    store::CheckpointInfo info;
    info.id = TRY(source_.family().reserve(token_));
    info.parent = source_.view().version;
    info.process = token_.process;
    info.time_us = clock_.realtime_ns() / 1000;
    info.dirty_pages = pages.dirty_pages_;
    info.pause_us = options.pause_us;
    info.message = options.message;
    if (const auto published = publish(pages, attachment, options.state_after, info); !published) {
        // Forgetting the number may be refused for the same reason; whoever acquires the process
        // next discards what was staged under it.
        static_cast<void>(source_.family().abandon(token_, info.id));
        return published.error();
    }
    info.durable_us = (clock_.monotonic_ns() - started_ns) / 1000;
    // A figure for people; the checkpoint is published whether or not it can be kept.
    static_cast<void>(source_.family().note_durable(info.id, info.durable_us));
    if (pages.copies_.length() <= kSpareBytesMax) spare_copies_ = std::move(pages.copies_);
    return info;
}

/// Completes `info` by what is only known once the units are encoded.
Result<void> PagedHeap::publish(const PageSnapshot& snapshot, Bytes attachment,
                                store::ProcessState state_after, store::CheckpointInfo& info) {
    store::Family& family = source_.family();
    UnitWriter writer(family, token_, info.id);
    TRY(snapshot.for_each_unit([&](const PageSnapshot::Unit& unit, Bytes content) {
        return writer.add(unit.key(), content);
    }));
    ByteVector whole = snapshot.region_table_;
    whole.insert(whole.end(), attachment.begin(), attachment.end());
    info.written_bytes = writer.encoded_bytes() + whole.size();

    FAULT_POINT(heap_commit_before_publish);
    TRY(family.publish(token_, {info, writer.rest(), whole, state_after}));
    if (const auto view = family.view_of(token_.process); view.ok()) {
        info.branch = view->branch;
        source_.move_to(*view);
        settle(snapshot);
    }
    return {};
}

/// Only after the view has moved on: a unit that counts as stored is read as the version has it.
void PagedHeap::settle(const PageSnapshot& snapshot) {
    const std::byte* copy = snapshot.copies_.base();
    for (const PageSnapshot::Unit& unit : snapshot.units_) {
        const bool is_copy = unit.slot == kNoSlot;
        PagedRegion& region = *snapshot.regions_[static_cast<std::size_t>(unit.region) - 1];
        if (scratch_ != nullptr) region.settle(unit, Bytes(copy, is_copy ? unit_bytes_ : 0));
        if (is_copy) copy += unit_bytes_;
    }
    for (PagedRegion* region : snapshot.regions_)
        region->forget_unpublished();
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
