#pragma once

#include <cstring>

#include "vm/checkpoint/machine_state.hpp"

namespace sojourn::tests {

/// Frames and slots of a paused machine's thread, as a checkpoint would have them.
inline std::vector<std::uint64_t> stack_of(const vm::Machine& machine, heap::Heap& heap) {
    const auto state = vm::decode_machine_state(machine.capture()).value();
    const vm::ThreadState& thread = state.threads.front();
    const std::size_t frame_words = thread.frame_count * sizeof(vm::FrameState) / 8;
    std::vector<std::uint64_t> words(frame_words + thread.slot_count);
    std::memcpy(words.data(), heap.region(thread.frames)->base(), frame_words * 8);
    std::memcpy(words.data() + frame_words, heap.region(thread.slots)->base(),
                thread.slot_count * 8);
    return words;
}

}  // namespace sojourn::tests
