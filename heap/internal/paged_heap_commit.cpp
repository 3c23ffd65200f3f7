// The life of a version: written ahead while guests run, and published with a snapshot.

#include <algorithm>

#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "heap/internal/paged_heap.hpp"

namespace sojourn::heap {

namespace {

/// A pause copies so little in some ten microseconds: another round would not pay.
constexpr std::uint64_t kLittleBytes = std::uint64_t{256} << 10U;

}  // namespace

std::uint64_t PagedHeap::dirty_bytes_estimate() const {
    std::uint64_t bytes = 0;
    for (const auto& region : regions_) {
        const auto unpublished = region->unpublished_bytes();
        if (unpublished.ok()) bytes += *unpublished;
    }
    return bytes;
}

Result<void> PagedHeap::precopy(unsigned rounds_max, const std::atomic<bool>& stop) {
    std::uint64_t before = UINT64_MAX;
    for (unsigned round = 0; round < rounds_max && !stop.load(); ++round) {
        const std::uint64_t dirty_bytes = dirty_bytes_estimate();
        TRACE(heap, "precopy", round, dirty_bytes);
        if (dirty_bytes <= kLittleBytes || dirty_bytes > before / 4 * 3) break;
        before = dirty_bytes;
        if (const auto written = write_round_ahead(stop); !written) {
            give_up_draft();
            return written.error();
        }
    }
    for (const auto& region : regions_) {
        if (rounds_max == 0) TRY(region->announce_dirty());
        region->cool_down();
    }
    return {};
}

Result<void> PagedHeap::write_round_ahead(const std::atomic<bool>& stop) {
    VersionDraft& next = *TRY(draft());
    for (const auto& region : regions_)
        TRY(region->write_ahead(next, stop));
    return next.flush();
}

Result<VersionDraft*> PagedHeap::draft() {
    if (draft_) return &*draft_;
    store::Family& family = source_.family();
    // Reading as of a draft passes over what was given up, once the store knows that it was.
    if (stale_draft_) TRY(family.abandon(token_, *stale_draft_));
    stale_draft_.reset();
    const store::Version version = TRY(family.reserve(token_));
    return &draft_.emplace(family, token_, version, scratch_ == nullptr ? nullptr : &fingerprints_);
}

void PagedHeap::give_up_draft() {
    if (!draft_) return;
    static_cast<void>(draft_->settle());  // why it is given up is known already
    for (const auto& region : regions_)
        region->take_back();
    // Forgetting the number may be refused for the same reason as the commit; whoever acquires the
    // process next discards what was staged under it.
    if (!source_.family().abandon(token_, draft_->version())) stale_draft_ = draft_->version();
    draft_.reset();
}

Result<store::CheckpointInfo> PagedHeap::commit(std::unique_ptr<Snapshot> snapshot,
                                                Bytes attachment, const CommitOptions& options) {
    EXPECTS(snapshot != nullptr, "a commit needs a snapshot");
    auto& pages = static_cast<PageSnapshot&>(*snapshot);  // no other kind is ever made
    EXPECTS(pages.serial_ == snapshot_serial_, "the newest snapshot is the one to commit");

    const std::uint64_t started_ns =
        options.requested_at_ns != 0 ? options.requested_at_ns : clock_.monotonic_ns();
    store::CheckpointInfo info;
    info.id = TRY(draft())->version();
    info.parent = source_.view().version;
    info.process = token_.process;
    info.time_us = clock_.realtime_ns() / 1000;
    info.dirty_pages = pages.dirty_pages_;
    for (const PagedRegion* region : pages.regions_)
        info.dirty_pages += region->drafted_pages();
    info.pause_us = options.pause_us;
    info.message = options.message;
    if (const auto published = publish(pages, attachment, options.state_after, info); !published) {
        give_up_draft();
        return published.error();
    }
    draft_.reset();
    info.durable_us = (clock_.monotonic_ns() - started_ns) / 1000;
    // A figure for people; the checkpoint is published whether or not it can be kept.
    static_cast<void>(source_.family().note_durable(info.id, info.durable_us));
    if (pages.copies_.length() <= kSpareBytesMax) spare_copies_ = std::move(pages.copies_);
    return info;
}

/// Completes `info` by what is only known once the units are encoded.
Result<void> PagedHeap::publish(const PageSnapshot& snapshot, Bytes attachment,
                                store::ProcessState state_after, store::CheckpointInfo& info) {
    TRY(complete_draft(snapshot));
    const ByteVector whole = encode_attachment(snapshot.region_table_, working_set(), attachment);
    info.written_bytes = draft_->encoded_bytes() + whole.size();

    FAULT_POINT(heap_commit_before_publish);
    store::Family& family = source_.family();
    TRY(family.publish(token_, {info, draft_->rest(), whole, state_after}));
    const auto view = family.view_of(token_.process);
    if (view.ok()) {
        info.branch = view->branch;
        source_.move_to(*view);
        note_published(snapshot);
    } else {
        // The next version writes it all again.
        for (PagedRegion* region : snapshot.regions_)
            region->take_back();
    }
    return {};
}

WorkingSet PagedHeap::working_set() const {
    constexpr std::size_t kRunsMax = 1024;  // 16 KiB of each checkpoint
    const std::size_t share = kRunsMax / std::max<std::size_t>(regions_.size(), 1);
    WorkingSet set;
    for (const auto& region : regions_)
        region->append_working_set(std::max<std::size_t>(share, 2), set);
    return set;
}

/// Gives the draft what the snapshot has.
Result<void> PagedHeap::complete_draft(const PageSnapshot& snapshot) {
    // Pages that were not copied are as the draft was given them before, or as they were published.
    const store::View view{source_.view().branch, draft_->version()};
    TRY(snapshot.for_each_unit(
        [&](store::UnitKey key, MutableBytes out) { return source_.read_as_of(view, key, out); },
        [&](store::UnitKey key, Bytes content) { return draft_->add(key, content); }));
    return draft_->settle();
}

/// Only after the view has moved on: a unit that counts as stored is read as the version has it.
void PagedHeap::note_published(const PageSnapshot& snapshot) {
    for (const VersionDraft::Given& given : draft_->take_given())
        region_of(given.key).settle(given.key.unit, given.fingerprint);
    for (PagedRegion* region : snapshot.regions_)
        region->forget_unpublished();
}

}  // namespace sojourn::heap
