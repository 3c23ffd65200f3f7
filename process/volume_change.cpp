#include "process/volume_change.hpp"

#include "process/heap_disks.hpp"
#include "process/runner_lock.hpp"

namespace sojourn::process {

namespace {

Result<RunnerLock> take_lock_on_volumes(const store::Store& store,
                                        const store::ProcessRecord& record) {
    auto lock = RunnerLock::acquire(store.run_directory(), record.id);
    if (lock.ok() || lock.error().code != ErrorCode::busy) return lock;
    const std::string name = display_name(record);
    return fail(ErrorCode::busy,
                "process '{}' is running: {}; its volumes are its own until vm suspend {}", name,
                lock.error().message, name);
}

Result<void> expect_resumable(const store::ProcessRecord& record) {
    if (record.head != store::kNoVersion && record.state != store::ProcessState::exited) return {};
    return fail(ErrorCode::invalid_argument,
                "process '{}' has ended: nothing would see what is changed in its volumes",
                display_name(record));
}

Result<store::CheckpointInfo> publish(const std::shared_ptr<store::Family>& family,
                                      store::FencingToken token, const HostProcess& host,
                                      const heap::HeapOptions& heap_options,
                                      const heap::CommitOptions& commit_options,
                                      const std::function<Result<void>(leases::Volumes&)>& change) {
    const auto heap = TRY(heap::Heap::open(family, token, host.clock, heap_options));
    HeapDisks disks(*heap);
    leases::Volumes volumes(disks, host.clock);
    TRY(change(volumes));
    auto pages = TRY(heap->snapshot());
    return heap->commit(std::move(pages), heap->attachment(), commit_options);
}

}  // namespace

Result<store::CheckpointInfo> change_volumes(
    const Execution& execution, const std::string& process, const HostProcess& host,
    const std::string& message, const std::function<Result<void>(leases::Volumes&)>& change) {
    const auto store = TRY(store::Store::open(
        execution.store_location,
        {.create = false, .checkpoint_location = execution.checkpoint_location}, host.random));
    auto record = TRY(find(*store, process));
    const auto lock = TRY(take_lock_on_volumes(*store, record));
    // What was read before the lock was ours may have changed since.
    const auto family = TRY(store->family(record.family));
    record = TRY(family->process(record.id));
    TRY(expect_resumable(record));
    const auto token = TRY(family->acquire(record.id, std::nullopt));
    const auto published = publish(family, token, host,
                                   {.mechanism = execution.heap_mechanism,
                                    .unit_bytes = store->unit_bytes(),
                                    .cache_bytes = execution.cache_bytes,
                                    .scratch_directory = store->scratch_directory()},
                                   {.message = message, .state_after = record.state}, change);
    if (!published.ok()) TRY(family->set_state(token, record.state, record.exit_code));
    return published;
}

}  // namespace sojourn::process
