#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sojourn::vm {

/// One frame of a thread, as it lies in the `frames` region and in every checkpoint. Its slots lie
/// in the `slots` region, right behind those of its caller: the locals, then the operands.
///
/// `code_offset` counts from the module's first byte: in the top frame the next instruction (a
/// loop, a call whose arguments are still operands, the function's first instruction), in a caller
/// the call whose results it awaits. `slot_count` of a caller leaves the arguments out: they are
/// the callee's first slots.
struct FrameState {
    std::uint32_t instance;
    std::uint32_t function_index;
    std::uint32_t code_offset;
    std::uint32_t slot_count;
};
static_assert(sizeof(FrameState) == 16);
static_assert(std::has_unique_object_representations_v<FrameState>);

/// Half a frame, written by one store.
struct FrameIdentity {
    std::uint32_t instance;
    std::uint32_t function_index;
};
struct FramePosition {
    std::uint32_t code_offset;
    std::uint32_t slot_count;
};

inline void set_identity(FrameState& frame, FrameIdentity identity) {
    std::memcpy(&frame.instance, &identity, sizeof identity);
}
inline void set_position(FrameState& frame, std::uint64_t packed_position) {
    std::memcpy(&frame.code_offset, &packed_position, sizeof packed_position);
}

/// A FramePosition as an operand of an instruction.
inline std::uint64_t pack(FramePosition position) {
    std::uint64_t packed;
    std::memcpy(&packed, &position, sizeof packed);
    return packed;
}

inline FramePosition unpack(std::uint64_t packed_position) {
    FramePosition position;
    std::memcpy(&position, &packed_position, sizeof position);
    return position;
}

}  // namespace sojourn::vm
