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
        case Opcode::else_:
            change_to_else();
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
            pop_all(module_.function_type(type_index_).results);
            become_unreachable();
            break;
        case Opcode::br_on_null:
            branch_on_null();
            break;
        case Opcode::br_on_non_null:
            branch_on_non_null();
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
        case Opcode::call_ref:
            if (take_referenced_callee()) call(index);
            break;
        case Opcode::return_call_ref:
            if (take_referenced_callee()) tail_call(index);
            break;
        default:
            INVARIANT(false, "every instruction that is typed by context has a case");
    }
}

void BodyValidator::enter_block() {
    const BlockType& block = instruction_.block;
    if (block.type_index() && !check_function_type(*block.type_index())) return;
    if (instruction_.opcode == Opcode::if_) pop(ValueType::i32);
    pop_all(block.parameters(module_));
    controls_.push_back({.opcode = instruction_.opcode,
                         .height = static_cast<std::uint32_t>(operands_.size()),
                         .slots = operand_slots_,
                         .set_locals = static_cast<std::uint32_t>(set_locals_.size()),
                         .block = block});
    push_all(block.parameters(module_));
}

void BodyValidator::change_to_else() {
    Control& control = controls_.back();
    if (control.opcode != Opcode::if_) {
        reader_.malformed("illegal opcode 0x05: else outside of if");
        return;
    }
    end_arm(control);
    control.opcode = Opcode::else_;
    control.is_unreachable = false;
    push_all(control.block.parameters(module_));
}

void BodyValidator::leave_block() {
    const Control control = controls_.back();
    const auto results = control.block.results(module_);
    if (control.opcode == Opcode::if_ &&
        !all_fit(module_.types, control.block.parameters(module_), results)) {
        mismatch("an else", "none, and the results are not the parameters");
    }
    end_arm(control);
    controls_.pop_back();
    const bool has_hidden = control.opcode == Opcode::catch_ || control.opcode == Opcode::catch_all;
    if (has_hidden && !operands_.empty()) take_top();
    if (!controls_.empty()) push_all(results);
}

void BodyValidator::end_arm(const Control& control) {
    pop_all(control.block.results(module_));
    if (operands_.size() != control.height) mismatch("no more values", "some");
    drop_block_operands();
    unset_locals(control);
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

void BodyValidator::branch_on_null() {
    const auto type = pop_reference();
    const Control* const target = label(instruction_.index);
    if (!type || target == nullptr) return;
    pop_all(label_types(*target));
    push_all(label_types(*target));
    push(not_null(*type));
}

void BodyValidator::branch_on_non_null() {
    const Control* const target = label(instruction_.index);
    if (target == nullptr) return;
    const auto types = label_types(*target);
    if (types.empty() || !is_reference(types.back())) {
        return mismatch("a label whose last value is a reference", "another");
    }
    pop(nullable(types.back()));
    const auto others = types.first(types.size() - 1);
    pop_all(others);
    push_all(others);
}

void BodyValidator::call(std::uint32_t type_index) {
    const FunctionType& type = module_.function_type(type_index);
    pop_all(type.parameters);
    push_all(type.results);
}

bool BodyValidator::take_indirect_callee() {
    const std::uint32_t table = instruction_.second_index;
    if (!has_table(table)) return false;
    if (!fits(module_.tables[table].element, ValueType::funcref)) {
        mismatch("a table of funcref", text_of(module_.tables[table].element));
    }
    if (!check_function_type(instruction_.index)) return false;
    pop(module_.tables[table].address);
    return true;
}

bool BodyValidator::take_referenced_callee() {
    if (!check_function_type(instruction_.index)) return false;
    pop(reference_to_type(module_.first_same_type[instruction_.index], true));
    return true;
}

void BodyValidator::tail_call(std::uint32_t type_index) {
    const FunctionType& type = module_.function_type(type_index);
    pop_all(type.parameters);
    if (!all_fit(module_.types, type.results, module_.function_type(type_index_).results)) {
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
