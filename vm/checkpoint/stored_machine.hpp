#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "heap/stored_heap.hpp"
#include "vm/checkpoint/machine_state.hpp"

/// The machine of a checkpoint, to look at: nothing runs, nothing is restored, and of its memory no
/// more is read than what is asked for. Trusts nothing: what does not fit is `corrupt`.
namespace sojourn::vm {

/// A value as a person or a script reads it.
struct TypedValue {
    ValueType type = ValueType::i32;
    V128 slots{};  ///< the first slot holds every value but a v128
};

/// Reads the frames of a thread, the outermost first, a few at a time. Borrows the heap.
class StoredFrames {
public:
    struct Place {
        FrameState frame;
        std::uint64_t first_slot = 0;  ///< of the frame, in the thread's slots
    };

    StoredFrames(heap::StoredHeap& heap, const heap::StoredHeap::Region& region,
                 std::uint64_t frame_count)
        : heap_(&heap), region_(&region), frame_count_(frame_count) {}

    /// nullopt behind the innermost one.
    Result<std::optional<Place>> next();

private:
    heap::StoredHeap* heap_;
    const heap::StoredHeap::Region* region_;
    std::uint64_t frame_count_;
    std::uint64_t index_ = 0;
    std::uint64_t next_slot_ = 0;
    std::vector<FrameState> piece_;
};

class StoredMachine {
public:
    struct Thread {
        std::vector<BacktraceFrame> frames;  ///< innermost first, as vm::Trapped has them
        std::uint64_t frames_left_out = 0;
        std::vector<std::vector<TypedValue>> locals;       ///< by frame; parameters first
        std::vector<std::vector<std::uint64_t>> operands;  ///< by frame; as slots
        std::string next;  ///< the instruction it stands before, as text; empty: at its beginning
    };
    struct Memory {
        const heap::StoredHeap::Region* region = nullptr;
        MemoryType type;
    };
    struct Table {
        std::uint32_t elements = 0;
        TableType type;
    };
    struct Global {
        std::string name;  ///< that it is exported by; may be empty
        std::uint32_t index = 0;
        bool is_mutable = false;
        TypedValue value;
    };
    /// Its own parts, not those that it imports.
    struct Instance {
        std::vector<Memory> memories;
        std::vector<Table> tables;
        std::vector<Global> globals;
    };

    /// `state` is what Machine::capture() wrote. Borrows the heap.
    /// Errors: corrupt, unsupported_format, those of `modules`.
    static Result<StoredMachine> open(heap::StoredHeap& heap, Bytes state,
                                      const ModuleSource& modules);

    [[nodiscard]] const MachineState& state() const { return state_; }
    /// By instance.
    [[nodiscard]] const std::vector<std::shared_ptr<const Module>>& modules() const {
        return modules_;
    }

    /// Requires: there is such a thread.
    Result<Thread> thread(std::size_t index);
    Result<StoredFrames> frames(std::size_t thread_index);
    /// The slots of one of those frames. Errors: corrupt, io.
    Result<std::vector<std::uint64_t>> slots(std::size_t thread_index,
                                             const StoredFrames::Place& place);
    /// Requires: there is such an instance.
    Result<Instance> instance(std::size_t index);

    /// Where and what a frame is. Errors: corrupt.
    Result<BacktraceFrame> describe(const FrameState& frame) const;

private:
    explicit StoredMachine(heap::StoredHeap& heap) : heap_(&heap) {}

    Result<const heap::StoredHeap::Region*> region(store::RegionId id, heap::RegionKind kind) const;
    Result<void> add_values(Thread& thread, std::size_t thread_index,
                            const StoredFrames::Place& place);
    Result<std::vector<Global>> globals(const InstanceState& state, const Module& module);

    heap::StoredHeap* heap_;
    MachineState state_;
    std::vector<std::shared_ptr<const Module>> modules_;
};

/// `-5`, `0.1`, `null`, `0x…` of a reference or a vector.
std::string text_of(const TypedValue& value);

}  // namespace sojourn::vm
