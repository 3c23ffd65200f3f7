#pragma once

#include "vm/wasm/opcode.hpp"
#include "vm/wasm/outcome.hpp"

namespace sojourn::vm {

/// What a plain instruction computes: a constexpr `eval` from its operands, the deepest first, to
/// its result; to an Outcome of it where it can trap. i32 is std::int32_t, i64 std::int64_t, f32
/// float, f64 double, v128 V128; a comparison of scalars is an i32. Every NaN that an `eval`
/// computes is the canonical one; those of abs, neg, copysign and the reinterpretations are bits
/// like any others.
template <Opcode opcode>
struct Meaning;

/// What a load or store does between memory and operand: `Memory` is the type in memory, `Value`
/// the operand's. A load has `Value eval(Memory)`, a store `Memory eval(Value)`.
template <Opcode opcode>
struct MemoryMeaning;

}  // namespace sojourn::vm
