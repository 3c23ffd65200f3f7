#include "process/stored_checkpoint.hpp"

#include "heap/heap.hpp"

namespace sojourn::process {

namespace {

Result<store::Version> checkpoint_to_open(store::Store& store, const store::ProcessRecord& process,
                                          const Reference& reference) {
    if (const auto named = TRY(checkpoint_of(store, process, reference))) return *named;
    if (process.head != store::kNoVersion) return process.head;
    return fail(ErrorCode::not_found,
                "process '{}' has no checkpoint to look at; vm checkpoint {} takes one of a "
                "process that runs",
                display_name(process), display_name(process));
}

/// Of those that are the process's own or that it grew from.
Result<store::CheckpointInfo> info_of(const store::Family& family,
                                      const store::ProcessRecord& process,
                                      store::Version checkpoint) {
    for (store::CheckpointInfo& info : TRY(family.checkpoints(process.id))) {
        if (info.id == checkpoint) return std::move(info);
    }
    return fail(ErrorCode::not_found, "no checkpoint {}; vm log {} lists those there are",
                display_name(process, checkpoint), display_name(process));
}

}  // namespace

Result<std::unique_ptr<StoredCheckpoint>> StoredCheckpoint::open(store::Store& store,
                                                                 const Reference& reference,
                                                                 const HostProcess& host) {
    auto process = TRY(find(store, reference.process));
    const auto version = TRY(checkpoint_to_open(store, process, reference));
    const auto family = TRY(store.family(process.family));
    auto info = TRY(info_of(*family, process, version));
    auto heap = TRY(heap::StoredHeap::open(family, version, store.unit_bytes()));
    std::unique_ptr<StoredCheckpoint> opened(
        new StoredCheckpoint(std::move(process), std::move(info), family, std::move(heap)));

    const ByteVector stored = TRY(family->read_attachment(version));
    const Bytes committed = TRY(heap::committed_attachment(stored));
    const auto attachment = TRY(decode_attachment(committed));
    opened->machine_ =
        TRY(vm::StoredMachine::open(opened->heap_, attachment.machine,
                                    [&](const Sha256& digest) { return store.module(digest); }));
    opened->saved_ = TRY(SavedLeases::read(*family, version, host));
    return opened;
}

}  // namespace sojourn::process
