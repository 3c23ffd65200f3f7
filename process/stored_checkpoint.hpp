#pragma once

#include <memory>

#include "heap/stored_heap.hpp"
#include "process/saved_leases.hpp"
#include "vm/checkpoint/stored_machine.hpp"

namespace sojourn::process {

/// A checkpoint of a process, to look at, whether somebody runs the process or not: nothing is
/// restored, and no more is read than what is asked for. Borrows the host.
class StoredCheckpoint {
public:
    /// The named checkpoint, else the process's newest. Errors: not_found, corrupt,
    /// unsupported_format, those of modules.
    static Result<std::unique_ptr<StoredCheckpoint>> open(store::Store& store,
                                                          const Reference& reference,
                                                          const HostProcess& host);
    StoredCheckpoint(const StoredCheckpoint&) = delete;
    StoredCheckpoint& operator=(const StoredCheckpoint&) = delete;

    [[nodiscard]] const store::ProcessRecord& process() const { return process_; }
    [[nodiscard]] const store::CheckpointInfo& info() const { return info_; }
    [[nodiscard]] const store::Family& family() const { return *family_; }
    [[nodiscard]] heap::StoredHeap& heap() { return heap_; }
    [[nodiscard]] vm::StoredMachine& machine() { return *machine_; }
    [[nodiscard]] leases::LeaseManager& leases() { return saved_->leases(); }

    /// That it has not been removed meanwhile: what was read before is what it had. Errors:
    /// not_found.
    [[nodiscard]] Result<void> expect_there() const { return heap_.expect_there(); }

private:
    StoredCheckpoint(store::ProcessRecord process, store::CheckpointInfo info,
                     std::shared_ptr<const store::Family> family, heap::StoredHeap heap)
        : process_(std::move(process)),
          info_(std::move(info)),
          family_(std::move(family)),
          heap_(std::move(heap)) {}

    store::ProcessRecord process_;
    store::CheckpointInfo info_;
    std::shared_ptr<const store::Family> family_;
    heap::StoredHeap heap_;
    std::optional<vm::StoredMachine> machine_;  ///< borrows the heap
    std::unique_ptr<SavedLeases> saved_;
};

}  // namespace sojourn::process
