#pragma once

#include "vm/jit/ir.hpp"
#include "vm/wasm/opcode.hpp"

namespace sojourn::vm::jit {

/// The code of an instruction on vectors, which are values of Ir::type_of(v128) between
/// instructions. Requires: is_on_vectors(opcode).
llvm::Value* vector_code(Ir& ir, Opcode opcode, llvm::ArrayRef<llvm::Value*> operands,
                         std::uint8_t lane);

/// i8x16.shuffle.
llvm::Value* shuffle_code(Ir& ir, llvm::Value* left, llvm::Value* right, V128 lanes);

}  // namespace sojourn::vm::jit
