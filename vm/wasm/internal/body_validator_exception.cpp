#include "vm/wasm/internal/body_validator.hpp"

/// Exception handling, and its legacy form.
///
/// A clause of a legacy try has a hidden operand below its own: the exception that it caught, which
/// `rethrow` throws again.
namespace sojourn::vm::internal {

void BodyValidator::exception_instruction() {
    switch (instruction_.opcode) {
        case Opcode::try_:
            enter_block();
            break;
        case Opcode::try_table:
            enter_try_table();
            break;
        case Opcode::catch_:
        case Opcode::catch_all:
            change_to_catch();
            break;
        case Opcode::delegate:
            delegate();
            break;
        case Opcode::throw_:
            if (const auto* type = tag_type(instruction_.index)) pop_all(type->parameters);
            become_unreachable();
            break;
        case Opcode::throw_ref:
            pop(ValueType::exnref);
            become_unreachable();
            break;
        default:
            rethrow();
            break;
    }
}

const FunctionType* BodyValidator::tag_type(std::uint32_t tag) {
    if (!check_index(tag, module_.tags.size(), "tag")) return nullptr;
    return &module_.function_type(module_.tags[tag].type_index);
}

void BodyValidator::enter_try_table() {
    for (const Catch& clause : instruction_.catches)
        check_catch(clause);
    enter_block();
}

void BodyValidator::check_catch(const Catch& clause) {
    caught_.clear();
    if (clause.tag) {
        const FunctionType* const type = tag_type(*clause.tag);
        if (type == nullptr) return;
        caught_ = type->parameters;
    }
    if (clause.wants_reference) caught_.push_back(not_null(ValueType::exnref));
    const Control* const target = label(clause.label);
    if (target != nullptr && !all_fit(module_.types, caught_, label_types(*target))) {
        mismatch("what its label takes", "what the clause gives");
    }
}

void BodyValidator::change_to_catch() {
    Control& control = controls_.back();
    const bool is_first = control.opcode == Opcode::try_;
    if (!is_first && control.opcode != Opcode::catch_) {
        return reader_.malformed("illegal opcode: {} outside of try", text_of(instruction_.opcode));
    }
    const FunctionType* type = nullptr;
    if (instruction_.opcode == Opcode::catch_) {
        type = tag_type(instruction_.index);
        if (type == nullptr) return;
    }
    end_arm(control);
    control.opcode = instruction_.opcode;
    control.is_unreachable = false;
    if (is_first) {
        push(ValueType::exnref);
        ++control.height;
        ++control.slots;
    }
    if (type != nullptr) push_all(type->parameters);
}

void BodyValidator::delegate() {
    if (controls_.back().opcode != Opcode::try_) {
        return reader_.malformed("illegal opcode: delegate outside of try");
    }
    const auto outside = static_cast<std::uint32_t>(controls_.size() - 1);
    if (!check_index(instruction_.index, outside, "label")) return;
    leave_block();
}

void BodyValidator::rethrow() {
    const Control* const target = label(instruction_.index);
    if (target == nullptr) return;
    if (target->opcode != Opcode::catch_ && target->opcode != Opcode::catch_all) {
        return reader_.invalid("invalid rethrow label {}", instruction_.index);
    }
    rethrows_ = true;
    become_unreachable();
}

}  // namespace sojourn::vm::internal
