#include "vm/jit/function_emitter.hpp"
#include "vm/wasm/meaning.hpp"

/// Loads and stores, and everything else about memories and tables.
namespace sojourn::vm::jit {

namespace {

/// Whether what is loaded is extended with its sign.
bool is_signed_load(Opcode opcode) {
    switch (opcode) {
        case Opcode::i32_load8_s:
        case Opcode::i32_load16_s:
        case Opcode::i64_load8_s:
        case Opcode::i64_load16_s:
        case Opcode::i64_load32_s:
            return true;
        default:
            return false;
    }
}

}  // namespace

llvm::Value* FunctionEmitter::guest_address(const Instruction& instruction) {
    const std::uint32_t memory = instruction.index;
    const std::uint64_t bytes = access_bytes(instruction.opcode);
    const std::uint64_t offset = instruction.memory_offset;
    const std::uint64_t end = offset > UINT64_MAX - bytes ? UINT64_MAX : offset + bytes;
    llvm::Value* const index = pop_word();
    llvm::Value* const size = ir_.load(
        ir_.getInt64Ty(), ir_.context_address(context_, layout_.memory_size(memory)), Space::state);
    if (module_.memories[memory].is_64_bit()) {
        llvm::Value* const room = ir_.CreateSub(size, ir_.word(end));
        trap_if(
            ir_.CreateOr(ir_.CreateICmpULT(size, ir_.word(end)), ir_.CreateICmpUGT(index, room)),
            Trap::out_of_bounds_memory);
    } else {  // an index of 32 bits and an offset of 32 bits: the sum does not wrap
        trap_if(ir_.CreateICmpUGT(ir_.CreateAdd(index, ir_.word(end)), size),
                Trap::out_of_bounds_memory);
    }
    llvm::Value* const base = ir_.context_address(context_, layout_.memory_base(memory));
    return ir_.at(ir_.CreatePtrAdd(base, index), offset);
}

void FunctionEmitter::load(const Instruction& instruction) {
    const ValueType type = *info_of(instruction.opcode).signature.result;
    llvm::Type* const whole = ir_.type_of(type);
    const unsigned bits = access_bytes(instruction.opcode) * 8U;
    llvm::Value* const address = guest_address(instruction);
    if (bits == whole->getPrimitiveSizeInBits())
        return push(type, ir_.load(whole, address, Space::guest));
    llvm::Value* const narrow = ir_.load(ir_.getIntNTy(bits), address, Space::guest);
    push(type, is_signed_load(instruction.opcode) ? ir_.CreateSExt(narrow, whole)
                                                  : ir_.CreateZExt(narrow, whole));
}

void FunctionEmitter::store(const Instruction& instruction) {
    llvm::Value* value = pop();
    const unsigned bits = access_bytes(instruction.opcode) * 8U;
    if (bits != value->getType()->getPrimitiveSizeInBits())
        value = ir_.CreateTrunc(value, ir_.getIntNTy(bits));
    ir_.store(value, guest_address(instruction), Space::guest);
}

void FunctionEmitter::access(const Instruction& instruction) {
    const bool is_load = info_of(instruction.opcode).signature.result.has_value();
    if (const auto lanes = vector_access_of(instruction.opcode))
        return is_load ? load_lanes(instruction, *lanes) : store_lane(instruction, *lanes);
    is_load ? load(instruction) : store(instruction);
}

llvm::Value* FunctionEmitter::pop_word() {
    return ir_.CreateZExt(pop(), ir_.getInt64Ty());
}

void FunctionEmitter::push_word(ValueType type, llvm::Value* word) {
    push(type, ir_.CreateTrunc(word, ir_.type_of(type)));
}

llvm::Value* FunctionEmitter::helper(std::size_t offset, llvm::ArrayRef<llvm::Value*> arguments) {
    return ir_.call_helper(context_, offset, ir_.getInt64Ty(), arguments);
}

void FunctionEmitter::on_three(std::size_t helper_offset, std::vector<llvm::Value*> first) {
    llvm::Value* const third = pop_word();
    llvm::Value* const second = pop_word();
    first.insert(first.end(), {pop_word(), second, third});
    trap_if_any(helper(helper_offset, first));
}

bool FunctionEmitter::step_memory(const Instruction& instruction) {
    const auto memory = [this](std::uint32_t index) {
        return ir_.context_address(context_, layout_.memory(index));
    };
    const std::uint32_t index = instruction.index;
    switch (instruction.opcode) {
        case Opcode::memory_size: {
            llvm::Value* const bytes =
                ir_.load(ir_.getInt64Ty(),
                         ir_.context_address(context_, layout_.memory_size(index)), Space::state);
            push_word(module_.memories[index].address,
                      ir_.CreateUDiv(bytes, ir_.word(kWasmPageBytes)));
            return true;
        }
        case Opcode::memory_grow:
            push_word(module_.memories[index].address,
                      helper(offsetof(CompiledHelpers, memory_grow), {memory(index), pop_word()}));
            return true;
        case Opcode::memory_init:
            on_three(offsetof(CompiledHelpers, memory_init),
                     {context_, memory(instruction.second_index), ir_.word(index)});
            return true;
        case Opcode::memory_copy:
            on_three(offsetof(CompiledHelpers, memory_copy),
                     {memory(index), memory(instruction.second_index)});
            return true;
        case Opcode::memory_fill:
            on_three(offsetof(CompiledHelpers, memory_fill), {memory(index)});
            return true;
        case Opcode::data_drop:
            helper(offsetof(CompiledHelpers, data_drop), {context_, ir_.word(index)});
            return true;
        default:
            return false;
    }
}

bool FunctionEmitter::step_table(const Instruction& instruction) {
    const auto table = [this](std::uint32_t index) {
        return ir_.context_address(context_, layout_.table(index));
    };
    const std::uint32_t index = instruction.index;
    switch (instruction.opcode) {
        case Opcode::table_get: {
            llvm::AllocaInst* const element = variable(height() - 1, ValueType::i64);
            trap_if_any(
                helper(offsetof(CompiledHelpers, table_get), {table(index), pop_word(), element}));
            push(module_.tables[index].element, ir_.CreateLoad(ir_.getInt64Ty(), element));
            return true;
        }
        case Opcode::table_set: {
            llvm::Value* const value = pop();
            trap_if_any(
                helper(offsetof(CompiledHelpers, table_set), {table(index), pop_word(), value}));
            return true;
        }
        case Opcode::table_size:
            push_word(module_.tables[index].address,
                      helper(offsetof(CompiledHelpers, table_size), {table(index)}));
            return true;
        case Opcode::table_grow: {
            llvm::Value* const elements = pop_word();
            push_word(module_.tables[index].address, helper(offsetof(CompiledHelpers, table_grow),
                                                            {table(index), elements, pop()}));
            return true;
        }
        case Opcode::table_fill:
            on_three(offsetof(CompiledHelpers, table_fill), {table(index)});
            return true;
        case Opcode::table_init:
            on_three(offsetof(CompiledHelpers, table_init),
                     {context_, table(instruction.second_index), ir_.word(index)});
            return true;
        case Opcode::table_copy:
            on_three(offsetof(CompiledHelpers, table_copy),
                     {table(index), table(instruction.second_index)});
            return true;
        case Opcode::elem_drop:
            helper(offsetof(CompiledHelpers, elem_drop), {context_, ir_.word(index)});
            return true;
        default:
            return false;
    }
}

}  // namespace sojourn::vm::jit
