#include <algorithm>

#include "vm/wasm/internal/body_validator.hpp"

/// Blocks, branches and calls.
namespace sojourn::vm::internal {

void BodyValidator::control_instruction() {
    const std::uint32_t index = instruction_.index;
    switch (instruction_.opcode) {
        case Opcode::unreachable:
            become_unreachable();
            break;
        case Opcode::block:
        case Opcode::loop:
        case Opcode::if_:
            enter_block();
            break;
        case Opcode::else_:
            change_to_else();
            break;
        case Opcode::end:
            leave_block();
            break;
        case Opcode::br:
            if (const Control* target = label(index)) pop_all(label_types(*target));
            become_unreachable();
            break;
        case Opcode::br_if:
            pop(ValueType::i32);
            if (const Control* target = label(index)) {
                pop_all(label_types(*target));
                push_all(label_types(*target));
            }
            break;
        case Opcode::br_table:
            branch_table();
            break;
        case Opcode::return_:
            pop_all(module_.types[type_index_].results);
            become_unreachable();
            break;
        case Opcode::call:
            if (!check_index(index, module_.functions.size(), "function")) return;
            call(module_.functions[index].type_index);
            break;
        case Opcode::call_indirect:
            if (take_indirect_callee()) call(index);
            break;
        case Opcode::return_call:
            if (!check_index(index, module_.functions.size(), "function")) return;
            tail_call(module_.functions[index].type_index);
            break;
        case Opcode::return_call_indirect:
            if (take_indirect_callee()) tail_call(index);
            break;
        default:
            INVARIANT(false, "every instruction that is typed by context has a case");
    }
}

void BodyValidator::enter_block() {
    const BlockType& block = instruction_.block;
    if (block.type_index() && !check_index(*block.type_index(), module_.types.size(), "type")) {
        return;
    }
    if (instruction_.opcode == Opcode::if_) pop(ValueType::i32);
    pop_all(block.parameters(module_));
    controls_.push_back({.opcode = instruction_.opcode,
                         .height = static_cast<std::uint32_t>(operands_.size()),
                         .slots = operand_slots_,
                         .block = block});
    push_all(block.parameters(module_));
}

void BodyValidator::change_to_else() {
    Control& control = controls_.back();
    if (control.opcode != Opcode::if_) {
        reader_.malformed("illegal opcode 0x05: else outside of if");
        return;
    }
    pop_all(control.block.results(module_));
    if (operands_.size() != control.height) mismatch("no more values", "some");
    drop_block_operands();
    control.opcode = Opcode::else_;
    control.is_unreachable = false;
    push_all(control.block.parameters(module_));
}

void BodyValidator::leave_block() {
    const Control control = controls_.back();
    const auto results = control.block.results(module_);
    if (control.opcode == Opcode::if_ &&
        !std::ranges::equal(control.block.parameters(module_), results)) {
        mismatch("an else", "none, and the results are not the parameters");
    }
    pop_all(results);
    if (operands_.size() != control.height) mismatch("no more values", "some");
    controls_.pop_back();
    if (!controls_.empty()) push_all(results);
}

void BodyValidator::branch_table() {
    pop(ValueType::i32);
    const Control* fallback = label(instruction_.labels.back());
    if (fallback == nullptr) return;
    const auto fallback_types = label_types(*fallback);
    for (const std::uint32_t depth : instruction_.labels) {
        const Control* target = label(depth);
        if (target == nullptr) return;
        const auto types = label_types(*target);
        if (types.size() != fallback_types.size()) mismatch("labels of one arity", "others");
        check_top(types);
    }
    pop_all(fallback_types);
    become_unreachable();
}

void BodyValidator::call(std::uint32_t type_index) {
    const FunctionType& type = module_.types[type_index];
    pop_all(type.parameters);
    push_all(type.results);
}

bool BodyValidator::take_indirect_callee() {
    const std::uint32_t table = instruction_.second_index;
    if (!has_table(table)) return false;
    if (module_.tables[table].element != ValueType::funcref) {
        mismatch("a table of funcref", text_of(module_.tables[table].element));
    }
    if (!check_index(instruction_.index, module_.types.size(), "type")) return false;
    pop(module_.tables[table].address);
    return true;
}

void BodyValidator::tail_call(std::uint32_t type_index) {
    const FunctionType& type = module_.types[type_index];
    pop_all(type.parameters);
    if (type.results != module_.types[type_index_].results) {
        mismatch("the results of this function", "others");
    }
    become_unreachable();
}

std::span<const ValueType> BodyValidator::label_types(const Control& control) const {
    if (control.opcode == Opcode::loop) return control.block.parameters(module_);
    return control.block.results(module_);
}

const BodyValidator::Control* BodyValidator::label(std::uint32_t depth) {
    if (!check_index(depth, controls_.size(), "label")) return nullptr;
    return &controls_[controls_.size() - 1 - depth];
}

void BodyValidator::become_unreachable() {
    drop_block_operands();
    controls_.back().is_unreachable = true;
}

}  // namespace sojourn::vm::internal
