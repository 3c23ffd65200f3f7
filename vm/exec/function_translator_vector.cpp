#include "vm/exec/function_translator.hpp"
#include "vm/exec/vector_operations.hpp"

/// Translation of instructions on vectors.
namespace sojourn::vm {

bool FunctionTranslator::step_vector(const Instruction& instruction) {
    const auto& [low, high] = instruction.vector.halves;
    switch (instruction.opcode) {
        case Opcode::v128_const:
            code_.emit_result(Handler::constant_vector, push_result(instruction.opcode));
            code_.extend(low, high);
            return true;
        case Opcode::i8x16_shuffle: {
            const std::uint16_t right = stack_.pop_slot();
            const std::uint16_t left = stack_.pop_slot();
            code_.emit_result(Handler::shuffle_lanes, push_result(instruction.opcode), left, right);
            code_.extend(low, high);
            return true;
        }
        default:
            return false;
    }
}

void FunctionTranslator::on_vectors(const Instruction& instruction) {
    const Opcode opcode = instruction.opcode;
    const std::uint8_t operand_count = info_of(opcode).signature.operand_count;
    const std::uint16_t third = operand_count == 3 ? stack_.pop_slot() : instruction.lane;
    const std::uint16_t second = operand_count >= 2 ? stack_.pop_slot() : std::uint16_t{0};
    const std::uint16_t first = stack_.pop_slot();
    emit_on_vectors(opcode, push_result(opcode), first, second, third);
}

void FunctionTranslator::emit_on_vectors(Opcode opcode, std::uint16_t to, std::uint16_t first,
                                         std::uint16_t second, std::uint16_t third) {
    code_.emit_result(Handler::vector_operation, to, first, second | std::uint32_t{third} << 16U);
    code_.extend(reinterpret_cast<std::uintptr_t>(vector_function_of(opcode)));
}

void FunctionTranslator::load_lanes(const Instruction& instruction, const VectorAccess& access) {
    const bool replaces_lane = takes_lane(access.on_vector);
    const std::uint16_t vector = replaces_lane ? stack_.pop_slot() : std::uint16_t{0};
    const Place place = take_place(instruction.memory_offset);
    const std::uint16_t to = push_result(instruction.opcode);  // from where the address was
    emit_load(access.access, place, instruction.memory_offset, to);
    if (replaces_lane) {
        emit_on_vectors(access.on_vector, to, vector, to, instruction.lane);
    } else if (access.on_vector == Opcode::nop) {
        code_.emit(Handler::constant_32, static_cast<std::uint16_t>(to + 1));
    } else {
        emit_on_vectors(access.on_vector, to, to, 0, 0);
    }
}

void FunctionTranslator::store_lane(const Instruction& instruction, const VectorAccess& access) {
    const Operand vector = stack_.pop();
    const Place place = take_place(instruction.memory_offset);
    // In the vector's second slot: the first may be part of an address that is still to be added.
    const auto extracted = static_cast<std::uint16_t>(vector.own_slot + 1);
    emit_on_vectors(access.on_vector, extracted, stack_.slot_of(vector), 0, instruction.lane);
    emit_store(access.access, place, instruction.memory_offset, extracted);
}

}  // namespace sojourn::vm
