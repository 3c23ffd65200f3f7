#pragma once

#include <memory>

#include "heap/stored_heap.hpp"
#include "leases/volume/volumes.hpp"
#include "store/store.hpp"

namespace sojourn::process {

/// The volumes of a process as a checkpoint has them, to look into: what would change them answers
/// rofs. Borrows the clock.
class StoredVolumes {
public:
    /// Errors: not_found, corrupt, unsupported_format.
    static Result<std::unique_ptr<StoredVolumes>> open(store::Store& store,
                                                       const store::ProcessRecord& process,
                                                       store::Version checkpoint,
                                                       const Clock& clock);
    StoredVolumes(const StoredVolumes&) = delete;
    StoredVolumes& operator=(const StoredVolumes&) = delete;
    ~StoredVolumes();

    [[nodiscard]] leases::Volumes& volumes();
    /// As heap::StoredHeap has it.
    [[nodiscard]] Result<void> expect_there() const;

private:
    class StoredDisks;
    StoredVolumes(heap::StoredHeap heap, const Clock& clock);

    std::unique_ptr<StoredDisks> disks_;
    leases::Volumes volumes_;
};

}  // namespace sojourn::process
