#include "vm/exec/thread.hpp"

#include <algorithm>

#include "vm/exec/interpreter.hpp"

namespace sojourn::vm {

namespace {

/// A frame of another instance than its caller's takes two.
constexpr std::size_t kReturnsPerFrameMax = 2;

}  // namespace

heap::RegionSpec stack_region_spec(heap::RegionKind kind, std::uint64_t stack_bytes_max) {
    const std::uint64_t bytes = whole_pages(stack_bytes_max);
    return {kind, bytes, bytes};
}

FramePosition entry_position(const LinkedFunction& function) {
    return {function.entry_offset, function.parameter_slots + function.zeroed_slots};
}

Thread::Thread(heap::Region& slots_region_, heap::Region& frames_region_,
               std::uint64_t stack_bytes_max_)
    : slots_region(slots_region_),
      frames_region(frames_region_),
      stack_bytes_max(stack_bytes_max_),
      limit(reinterpret_cast<std::uintptr_t>(slots_region.base()) +
            reinterpret_cast<std::uintptr_t>(frames_region.base()) + stack_bytes_max -
            2 * sizeof(FrameState)),
      return_stack_(std::make_unique_for_overwrite<const Word*[]>(
          kReturnsPerFrameMax * (stack_bytes_max / sizeof(FrameState) + 1))) {
    become_idle();
}

void Thread::push_bottom_return() {
    returns = return_stack_.get();
    *returns++ = stub(Handler::finish_thread);
}

void Thread::start(LinkedFunction& function, std::span<const std::uint64_t> arguments) {
    EXPECTS(is_idle(), "a thread makes one call at a time");
    EXPECTS(arguments.size() == function.parameter_slots, "a call has the arguments of its type");
    slots = first_slot();
    std::ranges::copy(arguments, slots);
    std::fill_n(slots + arguments.size(), function.zeroed_slots, 0);
    frame = first_frame();
    set_identity(*frame, function.identity);
    set_position(*frame, pack(entry_position(function)));
    push_bottom_return();
    pc = function.entry;
}

void Thread::resume(Runtime& runtime, std::uint32_t frame_count) {
    EXPECTS(is_idle() && frame_count > 0, "a thread resumes from frames, once");
    frame = first_frame() + (frame_count - 1);
    stand_up(runtime);
}

void Thread::stand_up(Runtime& runtime) {
    rebuild_returns(runtime);
    LinkedFunction& top = runtime.function_of(*frame);
    // Compiled as a part of another function it may stand here and never have been interpreted.
    const bool is_translated = top.instance != nullptr && translate_once(runtime, top).ok();
    const Safepoint* safepoint =
        is_translated ? top.translation->find_safepoint(frame->code_offset) : nullptr;
    pc = safepoint == nullptr ? top.entry : top.translation->at(*safepoint);
    runtime.poll.pass(safepoint != nullptr);
}

void Thread::rebuild_returns(Runtime& runtime) {
    slots = first_slot();
    push_bottom_return();
    for (const FrameState* below = first_frame(); below != frame; ++below) {
        LinkedFunction& caller = runtime.function_of(*below);
        INVARIANT(translate_once(runtime, caller).ok(), "what calls is valid");
        const Translation& translation = *caller.translation;
        *returns++ = translation.at(*translation.find_safepoint(below->code_offset)) + 2;
        slots += below->slot_count;
        const bool is_foreign = runtime.function_of(below[1]).instance != caller.instance;
        if (is_foreign) *returns++ = stub(Handler::return_to_instance);
    }
}

void write_back_position(Runtime& runtime, const Thread& thread) {
    FrameState& frame = *thread.frame;
    const LinkedFunction& function = runtime.function_of(frame);
    if (function.instance == nullptr) {
        set_position(frame, pack({0, function.parameter_slots}));
        return;
    }
    const Safepoint& safepoint = function.translation->safepoint_at(thread.pc);
    set_position(frame, pack({safepoint.code_offset, safepoint.slot_count}));
}

void write_back_trap(Runtime& runtime, const Thread& thread) {
    const LinkedFunction& function = runtime.function_of(*thread.frame);
    const std::uint32_t code_offset =
        function.translation ? function.translation->code_offset_of(thread.pc) : 0;
    set_position(*thread.frame, pack({code_offset, 0}));
}

}  // namespace sojourn::vm
