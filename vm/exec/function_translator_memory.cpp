#include "vm/exec/function_translator.hpp"

/// Translation of what touches memories and tables.
namespace sojourn::vm {

namespace {

/// The address, when it is a constant that fits the absolute form.
std::optional<std::uint32_t> absolute_address(const Operand& base, std::uint64_t offset) {
    if (!base.is_constant()) return std::nullopt;
    if (base.constant > UINT32_MAX || offset > UINT32_MAX - base.constant) return std::nullopt;
    return static_cast<std::uint32_t>(base.constant + offset);
}

}  // namespace

std::optional<FunctionTranslator::Place> FunctionTranslator::take_sum(std::uint16_t slot,
                                                                      std::uint64_t offset) {
    const auto take = [&](Handler handler) {
        const auto last = code_.last_operation(handler, slot);
        if (last) code_.take_back();
        return last;
    };
    if (offset <= UINT16_MAX) {
        const Opcode addition = is_64_bit_ ? Opcode::i64_add : Opcode::i32_add;
        if (const auto sum = take(handler_of(addition, Form::slots))) {
            const auto packed = sum->c() | static_cast<std::uint32_t>(offset) << 16U;
            return Place{is_64_bit_ ? Form::wide_indexed : Form::indexed, sum->b, packed};
        }
    }
    if (is_64_bit_ || offset != 0) return std::nullopt;
    if (const auto sum = take(handler_of(Opcode::i32_add, Form::constant))) {
        return Place{Form::displaced, sum->b, sum->immediate};
    }
    if (const auto sum = take(Handler::i32_shl_constant_i32_add_slots)) {
        return Place{Form::scaled, sum->b, sum->immediate};
    }
    return std::nullopt;
}

FunctionTranslator::Place FunctionTranslator::take_place(std::uint64_t offset) {
    const Operand base = stack_.pop();
    if (const auto address = absolute_address(base, offset)) return {Form::absolute, 0, *address};
    if (base.kind == Operand::Kind::slot) {
        if (const auto place = take_sum(base.own_slot, offset)) return *place;
    }
    const std::uint16_t base_slot = stack_.slot_of(base);
    if (offset > UINT32_MAX) return {Form::wide_far, base_slot, 0};
    return {is_64_bit_ ? Form::wide : Form::slots, base_slot, static_cast<std::uint32_t>(offset)};
}

void FunctionTranslator::access(const Instruction& instruction) {
    const std::uint32_t memory = instruction.index;
    const bool is_load = info_of(instruction.opcode).signature.result.has_value();
    is_64_bit_ = module_.memories[memory].is_64_bit();
    // The machine stands in memory 0 whenever it may be looked at, and almost always.
    if (memory != 0) code_.emit(Handler::use_memory, 0, 0, memory);
    if (const auto parts = vector_access_of(instruction.opcode)) {
        is_load ? load_lanes(instruction, *parts) : store_lane(instruction, *parts);
    } else {
        is_load ? load(instruction) : store(instruction);
    }
    if (memory != 0) code_.emit(Handler::use_memory, 0, 0, 0);
}

void FunctionTranslator::emit_load(Opcode opcode, const Place& place, std::uint64_t offset,
                                   std::uint16_t to) {
    code_.emit_result(handler_of(opcode, place.form), to, place.base, place.immediate);
    if (place.form == Form::wide_far) code_.extend(offset);
}

void FunctionTranslator::emit_store(Opcode opcode, const Place& place, std::uint64_t offset,
                                    std::uint16_t value) {
    code_.emit(handler_of(opcode, place.form), place.base, value, place.immediate);
    if (place.form == Form::wide_far) code_.extend(offset);
}

void FunctionTranslator::load(const Instruction& instruction) {
    const Place place = take_place(instruction.memory_offset);
    emit_load(instruction.opcode, place, instruction.memory_offset,
              push_result(instruction.opcode));
}

void FunctionTranslator::store(const Instruction& instruction) {
    const std::uint16_t value = stack_.pop_slot();
    const Place place = take_place(instruction.memory_offset);
    emit_store(instruction.opcode, place, instruction.memory_offset, value);
}

bool FunctionTranslator::step_memory(const Instruction& instruction) {
    const auto memory = [this](std::uint32_t index) { return instance_.memories[index]; };
    switch (instruction.opcode) {
        case Opcode::memory_size:
            code_.emit_result(Handler::memory_pages, stack_.push_slot());
            extend_with(memory(instruction.index));
            return true;
        case Opcode::memory_grow: {
            const std::uint16_t pages = stack_.pop_slot();
            code_.emit_result(Handler::memory_extend, stack_.push_slot(), pages);
            extend_with(memory(instruction.index));
            return true;
        }
        case Opcode::memory_init:
            emit_on_three(Handler::memory_write_segment, instruction.index);
            extend_with(memory(instruction.second_index));
            return true;
        case Opcode::memory_copy:
            emit_on_three(Handler::memory_copy_bytes, 0);
            extend_with(memory(instruction.index), memory(instruction.second_index));
            return true;
        case Opcode::memory_fill:
            emit_on_three(Handler::memory_fill_bytes, 0);
            extend_with(memory(instruction.index));
            return true;
        case Opcode::data_drop:
            code_.emit(Handler::drop_data, 0, 0, instruction.index);
            return true;
        default:
            return false;
    }
}

bool FunctionTranslator::step_table(const Instruction& instruction) {
    const auto table = [this](std::uint32_t index) { return instance_.tables[index]; };
    switch (instruction.opcode) {
        case Opcode::table_get: {
            const std::uint16_t element = stack_.pop_slot();
            code_.emit_result(Handler::table_read, stack_.push_slot(), element);
            extend_with(table(instruction.index));
            return true;
        }
        case Opcode::table_set: {
            const std::uint16_t value = stack_.pop_slot();
            const std::uint16_t element = stack_.pop_slot();
            code_.emit(Handler::table_write, element, value);
            extend_with(table(instruction.index));
            return true;
        }
        case Opcode::table_size:
            code_.emit_result(Handler::table_elements, stack_.push_slot());
            extend_with(table(instruction.index));
            return true;
        case Opcode::table_grow:
            stack_.settle_top(2);
            stack_.pop_many(2);
            code_.emit(Handler::table_extend, stack_.push_slot());
            extend_with(table(instruction.index));
            return true;
        case Opcode::table_fill:
            emit_on_three(Handler::table_fill_elements, 0);
            extend_with(table(instruction.index));
            return true;
        case Opcode::table_init:
            emit_on_three(Handler::table_write_segment, instruction.index);
            extend_with(table(instruction.second_index));
            return true;
        case Opcode::table_copy:
            emit_on_three(Handler::table_copy_elements, 0);
            extend_with(table(instruction.index), table(instruction.second_index));
            return true;
        case Opcode::elem_drop:
            code_.emit(Handler::drop_elements, 0, 0, instruction.index);
            return true;
        default:
            return false;
    }
}

void FunctionTranslator::emit_on_three(Handler handler, std::uint32_t immediate) {
    stack_.settle_top(3);
    stack_.pop_many(3);
    code_.emit(handler, stack_.next_slot(), 0, immediate);
}

void FunctionTranslator::extend_with(const void* first, const void* second) {
    code_.extend(reinterpret_cast<std::uintptr_t>(first), reinterpret_cast<std::uintptr_t>(second));
}

}  // namespace sojourn::vm
