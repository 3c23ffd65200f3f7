#pragma once

#include <set>

#include "vm/checkpoint/machine_state.hpp"

/// The parts of restore().
namespace sojourn::vm {

/// Hands out the heap's regions, each once and only for what it is.
class RegionClaims {
public:
    explicit RegionClaims(heap::Heap& heap) : heap_(heap) {}

    /// Errors: corrupt, when there is no such region or it is claimed already.
    Result<heap::Region*> claim(store::RegionId id, const heap::RegionSpec& spec);

private:
    heap::Heap& heap_;
    std::set<store::RegionId> claimed_;
};

Result<void> restore_instances(Runtime& runtime, RegionClaims& claims, const MachineState& state,
                               const ModuleSource& modules);

/// Requires: restore_instances(). References are not looked at.
Result<void> restore_exceptions(Runtime& runtime, const MachineState& state);

/// Requires: restore_instances().
Result<std::unique_ptr<Thread>> restore_thread(Runtime& runtime, RegionClaims& claims,
                                               const MachineState& state);

}  // namespace sojourn::vm
