#include "process/region_contents.hpp"

#include "heap/stored_heap.hpp"

namespace sojourn::process {

namespace {

store::UnitContent content_of(heap::RegionKind kind) {
    switch (kind) {
        case heap::RegionKind::memory:
            return store::UnitContent::memory;
        case heap::RegionKind::volume:
            return store::UnitContent::volume;
        default:
            return store::UnitContent::machine;
    }
}

}  // namespace

store::FindContents region_contents(std::size_t unit_bytes) {
    return [unit_bytes](const store::Family& family, store::Version checkpoint) {
        std::map<store::RegionId, store::UnitContent> contents;
        // Borrowed for the call.
        const std::shared_ptr<const store::Family> borrowed(std::shared_ptr<void>(), &family);
        const auto heap = heap::StoredHeap::open(borrowed, checkpoint, unit_bytes);
        if (!heap.ok()) return contents;
        for (const heap::StoredHeap::Region& region : heap->regions())
            contents.emplace(region.id, content_of(region.kind));
        return contents;
    };
}

}  // namespace sojourn::process
