#include "vm/checkpoint/machine_state.hpp"

namespace sojourn::vm {

namespace {

InstanceState capture_instance(const Instance& instance) {
    InstanceState state;
    state.module = instance.module->digest();
    state.imports = instance.imports;
    for (const auto& memory : instance.own_memories) {
        state.memories.push_back(
            {memory->region->id(), static_cast<std::uint32_t>(memory->pages())});
    }
    for (const auto& table : instance.own_tables) {
        state.tables.push_back({table->region->id(), table->size});
    }
    if (instance.globals_region != nullptr) state.globals = instance.globals_region->id();
    state.dropped_elements = instance.dropped_elements;
    state.dropped_data = instance.dropped_data;
    return state;
}

}  // namespace

MachineState capture(const Runtime& runtime, const Thread& thread) {
    MachineState state;
    state.stack_bytes_max = thread.stack_bytes_max;
    state.memory_bytes_max = runtime.memory_budget.bytes_max;
    state.fuel = runtime.poll.fuel();
    state.safepoints = runtime.poll.safepoints();
    state.host_calls = runtime.host_calls;
    for (const auto& instance : runtime.instances) {
        state.instances.push_back(capture_instance(*instance));
    }
    ThreadState& captured = state.threads.emplace_back();
    captured.slots = thread.slots_region.id();
    captured.frames = thread.frames_region.id();
    captured.frame_count = static_cast<std::uint32_t>(thread.frames().size());
    for (const FrameState& frame : thread.frames())
        captured.slot_count += frame.slot_count;
    for (const auto& [number, exception] : runtime.exceptions.all()) {
        const ExceptionTag& tag = *exception.tag;
        state.exceptions.push_back({number, tag.instance, tag.tag_index, exception.values});
    }
    return state;
}

}  // namespace sojourn::vm
