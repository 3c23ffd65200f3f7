#include "vm/jit/function_emitter.hpp"
#include "vm/jit/vector_code.hpp"

/// Instructions on vectors: their operands, constants and memory.
namespace sojourn::vm::jit {

bool FunctionEmitter::step_vector(const Instruction& instruction) {
    switch (instruction.opcode) {
        case Opcode::v128_const:
            push(ValueType::v128,
                 llvm::ConstantDataVector::get(ir_.getContext(), instruction.vector.halves));
            return true;
        case Opcode::i8x16_shuffle: {
            llvm::Value* const right = pop();
            push(ValueType::v128, shuffle_code(ir_, pop(), right, instruction.vector));
            return true;
        }
        default:
            return false;
    }
}

void FunctionEmitter::on_vectors(const Instruction& instruction) {
    const Signature& signature = info_of(instruction.opcode).signature;
    std::array<llvm::Value*, 3> operands{};
    for (std::size_t i = signature.operand_count; i-- > 0;)
        operands[i] = pop();
    push(*signature.result, vector_code(ir_, instruction.opcode, operands, instruction.lane));
}

void FunctionEmitter::load_lanes(const Instruction& instruction, const VectorAccess& access) {
    const bool replaces_lane = takes_lane(access.on_vector);
    llvm::Value* const vector = replaces_lane ? pop() : nullptr;
    Instruction scalar = instruction;
    scalar.opcode = access.access;
    load(scalar);
    llvm::Value* const loaded = pop();
    const auto lowest_of = [&](llvm::Value* word) {
        llvm::Constant* const zeros = llvm::Constant::getNullValue(ir_.type_of(ValueType::v128));
        return ir_.CreateInsertElement(zeros, word, std::uint64_t{0});
    };
    if (replaces_lane) {
        push(ValueType::v128,
             vector_code(ir_, access.on_vector, {vector, loaded}, instruction.lane));
    } else if (access.on_vector == Opcode::nop) {
        push(ValueType::v128, lowest_of(ir_.CreateZExt(loaded, ir_.getInt64Ty())));
    } else {
        const bool is_splat = info_of(access.on_vector).signature.operands[0] != ValueType::v128;
        push(ValueType::v128,
             vector_code(ir_, access.on_vector, is_splat ? loaded : lowest_of(loaded), 0));
    }
}

void FunctionEmitter::store_lane(const Instruction& instruction, const VectorAccess& access) {
    push(*info_of(access.on_vector).signature.result,
         vector_code(ir_, access.on_vector, pop(), instruction.lane));
    Instruction scalar = instruction;
    scalar.opcode = access.access;
    store(scalar);
}

}  // namespace sojourn::vm::jit
