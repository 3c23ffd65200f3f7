#include "heap/internal/paged_heap.hpp"

#include <bit>

#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "heap/internal/page_runs.hpp"
#include "heap/internal/unit_writer.hpp"

namespace sojourn::heap {

namespace {

constexpr std::uint64_t kSpareBytesMax = std::uint64_t{64} << 20U;

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
                     std::unique_ptr<Mechanism> mechanism, std::uint64_t unit_bytes)
    : source_(std::move(family), view),
      token_(token),
      clock_(clock),
      unit_bytes_(unit_bytes),
      mechanism_(std::move(mechanism)) {}

Result<std::unique_ptr<PagedHeap>> PagedHeap::empty(std::shared_ptr<store::Family> family,
                                                    store::View view, store::FencingToken token,
                                                    const Clock& clock,
                                                    const HeapOptions& options) {
    EXPECTS(options.unit_bytes >= kPageBytes && options.unit_bytes <= store::kUnitBytesMax &&
                std::has_single_bit(options.unit_bytes),
            "a unit is 4, 16 or 64 KiB");
    const MechanismKind kind = TRY(choose_mechanism(options.mechanism));
    auto mechanism = TRY(Mechanism::open(kind));
    return std::unique_ptr<PagedHeap>(new PagedHeap(std::move(family), view, token, clock,
                                                    std::move(mechanism), options.unit_bytes));
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
    auto region =
        TRY(PagedRegion::create(id, spec, stored_bytes, unit_bytes_, *mechanism_, source_));
    regions_.push_back(std::move(region));
    unpublished_.emplace_back();
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
    TRY(collect_dirty());
    auto snapshot = std::make_unique<PageSnapshot>();
    snapshot->serial_ = ++snapshot_serial_;
    snapshot->region_table_ = region_table();
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        snapshot->dirty_pages_ += page_count_of(unpublished_[i]);
        for (const store::UnitIndex unit : units_of(unpublished_[i], unit_bytes_))
            snapshot->keys_.push_back({regions_[i]->id(), unit});
    }
    const std::uint64_t copied_bytes = snapshot->keys_.size() * unit_bytes_;
    snapshot->copies_ = TRY(copy_buffer(copied_bytes));
    copy_units(*snapshot);
    TRACE(heap, "snapshot", snapshot->dirty_pages_, copied_bytes);
    return std::unique_ptr<Snapshot>(std::move(snapshot));
}

/// The spare one when it is large enough: touching new memory takes longer than the copy.
Result<Mapping> PagedHeap::copy_buffer(std::uint64_t length) {
    Mapping buffer = std::exchange(spare_copies_, {});
    if (buffer.length() >= length) return buffer;
    return Mapping::buffer(std::bit_ceil(length));
}

/// Moves what is dirty to unpublished_.
Result<void> PagedHeap::collect_dirty() {
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        const Result<void> collected =
            regions_[i]->collect_dirty(AfterCollect::track_afresh, unpublished_[i]);
        normalize(unpublished_[i]);
        TRY(collected);
    }
    return {};
}

void PagedHeap::copy_units(PageSnapshot& snapshot) const {
    std::byte* to = snapshot.copies_.base();
    for (const store::UnitKey& key : snapshot.keys_) {
        const std::size_t index = static_cast<std::size_t>(key.region) - 1;
        regions_[index]->copy_unit(key.unit, MutableBytes(to, unit_bytes_));
        to += unit_bytes_;
    }
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
    for (PageRuns& runs : unpublished_)
        runs.clear();
    if (pages.copies_.length() <= kSpareBytesMax) spare_copies_ = std::move(pages.copies_);
    return info;
}

/// Completes `info` by what is only known once the units are encoded.
Result<void> PagedHeap::publish(const PageSnapshot& snapshot, Bytes attachment,
                                store::ProcessState state_after, store::CheckpointInfo& info) {
    store::Family& family = source_.family();
    UnitWriter writer(family, token_, info.id);
    const std::byte* copy = snapshot.copies_.base();
    for (const store::UnitKey& key : snapshot.keys_) {
        TRY(writer.add(key, Bytes(copy, unit_bytes_)));
        copy += unit_bytes_;
    }
    ByteVector whole = snapshot.region_table_;
    whole.insert(whole.end(), attachment.begin(), attachment.end());
    info.written_bytes = writer.encoded_bytes() + whole.size();

    FAULT_POINT(heap_commit_before_publish);
    TRY(family.publish(token_, {info, writer.rest(), whole, state_after}));
    if (const auto view = family.view_of(token_.process); view.ok()) {
        info.branch = view->branch;
        source_.move_to(*view);
    }
    return {};
}

HeapStats PagedHeap::stats() const {
    HeapStats stats;
    for (const auto& region : regions_) {
        stats.faults += region->fault_count();
        stats.resident_bytes += region->resident_bytes();
    }
    return stats;
}

std::vector<std::string> PagedHeap::verify() {
    std::vector<std::string> complaints;
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        PageRuns dirty = unpublished_[i];
        const auto looked = regions_[i]->collect_dirty(AfterCollect::leave_dirty, dirty);
        if (!looked) complaints.push_back(looked.error().message);
        normalize(dirty);
        regions_[i]->verify(dirty, complaints);
    }
    return complaints;
}

}  // namespace sojourn::heap
