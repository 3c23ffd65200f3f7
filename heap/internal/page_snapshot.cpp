#include "heap/internal/page_snapshot.hpp"

namespace sojourn::heap {

PageSnapshot::~PageSnapshot() {
    for (const Unit& unit : units_) {
        if (unit.slot != kNoSlot) scratch_->release(unit.slot);
    }
}

}  // namespace sojourn::heap
