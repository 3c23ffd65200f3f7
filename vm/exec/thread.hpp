#pragma once

#include <memory>
#include <span>

#include "vm/exec/runtime.hpp"

namespace sojourn::vm {

/// What a stack may be limited to: enough for one frame of the largest function, below what offsets
/// in a region can say.
inline constexpr std::uint64_t kStackBytesMin = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t kStackBytesMax = std::uint64_t{1} << 32U;
constexpr bool is_stack_size(std::uint64_t bytes) {
    return bytes >= kStackBytesMin && bytes <= kStackBytesMax;
}

/// Of the slots or frames of a thread.
heap::RegionSpec stack_region_spec(heap::RegionKind kind, std::uint64_t stack_bytes_max);

/// Where the only frame of a call stands before it has run.
FramePosition entry_position(const LinkedFunction& function);

/// A guest thread: its frames and slots lie in two regions of the heap; the rest is the host's view
/// of where it stands and can be made anew from them.
class Thread {
public:
    /// Borrows the regions; each holds `stack_bytes_max` bytes.
    Thread(heap::Region& slots, heap::Region& frames, std::uint64_t stack_bytes_max);

    /// Makes the idle thread call a function. Requires: the arguments fit its type.
    void start(LinkedFunction& function, std::span<const std::uint64_t> arguments);
    void become_idle() { frame = first_frame() - 1; }

    /// Stands where the bottom `frame_count` frames of the region say.
    /// Requires: restore() has checked them, and there are some.
    void resume(Runtime& runtime, std::uint32_t frame_count);

    /// The same of its own frames, when only they say where it stands.
    void stand_up(Runtime& runtime);

    /// Makes `slots` and `returns` anew from the frames; the callers' say where they stand.
    void rebuild_returns(Runtime& runtime);

    [[nodiscard]] bool is_idle() const { return frame < first_frame(); }
    [[nodiscard]] std::span<FrameState> frames() const {
        return {first_frame(), static_cast<std::size_t>(frame + 1 - first_frame())};
    }
    [[nodiscard]] FrameState* first_frame() const {
        return reinterpret_cast<FrameState*>(frames_region.base());
    }
    [[nodiscard]] std::uint64_t* first_slot() const {
        return reinterpret_cast<std::uint64_t*>(slots_region.base());
    }

    heap::Region& slots_region;
    heap::Region& frames_region;
    std::uint64_t stack_bytes_max;

    /// A callee fits while (its first slot) + (its slot_bytes_max) + (its caller's frame), as
    /// addresses, do not exceed this: canonical bytes are counted, slots and frames alike.
    std::uintptr_t limit;

    const Word* pc = nullptr;        ///< the next operation of the top frame; nullptr: see frames
    std::uint64_t* slots = nullptr;  ///< of the top frame
    FrameState* frame = nullptr;     ///< the top frame
    const Word** returns = nullptr;  ///< one past the newest return address

private:
    void push_bottom_return();

    std::unique_ptr<const Word*[]> return_stack_;
};

/// Makes the top frame complete: the thread stands before its `pc`, a safepoint.
void write_back_position(Runtime& runtime, const Thread& thread);

/// Notes in the top frame where it trapped, for a backtrace.
void write_back_trap(Runtime& runtime, const Thread& thread);

}  // namespace sojourn::vm
