#include "vm/wasm/internal/body_validator.hpp"

/// What touches memories and tables and has operands of two address types, or of an element's type.
namespace sojourn::vm::internal {

namespace {

/// Of a length that has to fit both.
ValueType narrower(ValueType left, ValueType right) {
    return left == ValueType::i32 ? left : right;
}

}  // namespace

bool BodyValidator::has_memory(std::uint32_t index) {
    if (!check_index(index, module_.memories.size(), "memory")) return false;
    address_ = module_.memories[index].address;
    return true;
}

void BodyValidator::memory_copy() {
    const std::uint32_t to = instruction_.index;
    const std::uint32_t from = instruction_.second_index;
    if (!has_memory(to) || !has_memory(from)) return;
    pop(narrower(module_.memories[to].address, module_.memories[from].address));
    pop(module_.memories[from].address);
    pop(module_.memories[to].address);
}

void BodyValidator::table_instruction() {
    if (!has_table(instruction_.index)) return;
    const TableType& table = module_.tables[instruction_.index];
    switch (instruction_.opcode) {
        case Opcode::table_get:
            pop(table.address);
            push(table.element);
            break;
        case Opcode::table_set:
            pop(table.element);
            pop(table.address);
            break;
        case Opcode::table_size:
            push(table.address);
            break;
        case Opcode::table_grow:
            pop(table.address);
            pop(table.element);
            push(table.address);
            break;
        default:  // table_fill
            pop(table.address);
            pop(table.element);
            pop(table.address);
            break;
    }
}

void BodyValidator::table_init() {
    if (!has_table(instruction_.second_index)) return;
    if (!check_index(instruction_.index, module_.elements.size(), "elem segment")) return;
    const TableType& table = module_.tables[instruction_.second_index];
    check_element_type(table.element, module_.elements[instruction_.index].type);
    pop(ValueType::i32);
    pop(ValueType::i32);
    pop(table.address);
}

void BodyValidator::table_copy() {
    if (!has_table(instruction_.index) || !has_table(instruction_.second_index)) return;
    const TableType& to = module_.tables[instruction_.index];
    const TableType& from = module_.tables[instruction_.second_index];
    check_element_type(to.element, from.element);
    pop(narrower(to.address, from.address));
    pop(from.address);
    pop(to.address);
}

void BodyValidator::check_element_type(ValueType wanted, ValueType found) {
    if (!fits(found, wanted)) mismatch(text_of(wanted), text_of(found));
}

}  // namespace sojourn::vm::internal
