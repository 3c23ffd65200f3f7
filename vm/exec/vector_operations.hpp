#pragma once

#include "vm/exec/word.hpp"
#include "vm/wasm/opcode.hpp"

/// Instructions on vectors, made from their meanings. They are functions that one handler calls:
/// in the dispatch loop itself they would cost the other handlers their registers.
namespace sojourn::vm {

/// a := f(b, c, d), of slots or of the two slots from the one named; d may be a lane instead.
using VectorFunction = void (*)(const Operation& op, std::uint64_t* slots);

/// Requires: is_on_vectors(opcode).
VectorFunction vector_function_of(Opcode opcode);

/// Vector a := i8x16.shuffle of the vectors b and c by the lanes in the extension.
void shuffle_lanes(const Word* pc, std::uint64_t* slots);

}  // namespace sojourn::vm
