#include <map>

#include "vm/exec/compiled_tier.hpp"
#include "vm/exec/function_translator.hpp"

/// Translation of blocks, branches and calls.
///
/// At the entry of a block, at a loop's head and at a call every operand is settled in its own
/// slot, so that all ways to one place agree on where operands are.
namespace sojourn::vm {

bool FunctionTranslator::step_control(const Instruction& instruction) {
    switch (instruction.opcode) {
        case Opcode::nop:
            return true;
        case Opcode::unreachable:
            code_.emit(Handler::trap_unreachable);
            is_reachable_ = false;
            return true;
        case Opcode::block:
            stack_.settle();
            open_block(instruction);
            return true;
        case Opcode::loop:
            open_loop(instruction);
            return true;
        case Opcode::if_:
            open_if(instruction);
            return true;
        case Opcode::else_:
            switch_to_else();
            return true;
        case Opcode::end:
            close_block();
            return true;
        case Opcode::br:
            branch_to(instruction.index);
            return true;
        case Opcode::br_if:
            branch_if(instruction.index);
            return true;
        case Opcode::br_table:
            branch_by_table(instruction);
            return true;
        case Opcode::br_on_null:
            branch_on_null(instruction.index);
            return true;
        case Opcode::br_on_non_null:
            branch_on_non_null(instruction.index);
            return true;
        case Opcode::return_:
            return_top();
            return true;
        case Opcode::call:
            call(instruction);
            return true;
        case Opcode::call_indirect:
            call_indirect(instruction);
            return true;
        case Opcode::call_ref:
            call_reference(instruction);
            return true;
        case Opcode::return_call_ref:
            tail_call_reference(instruction);
            return true;
        case Opcode::return_call:
            tail_call(instruction);
            return true;
        case Opcode::return_call_indirect:
            tail_call_indirect(instruction);
            return true;
        default:
            return false;
    }
}

void FunctionTranslator::open_block(const Instruction& instruction) {
    const auto parameters = instruction.block.parameters(module_);
    blocks_.push_back({.opcode = instruction.opcode,
                       .type = instruction.block,
                       .height = stack_.height() - count_of(parameters),
                       .begin = instruction.offset});
}

std::uint32_t FunctionTranslator::arity_of(const Block& block) const {
    return count_of(block.is_loop() ? block.type.parameters(module_) : block.type.results(module_));
}

void FunctionTranslator::open_loop(const Instruction& instruction) {
    stack_.settle();
    open_block(instruction);
    code_.bind(blocks_.back().label);
    code_.note_safepoint(SafepointKind::loop, stack_.slot_count());
    if (runtime_.tier == nullptr) {
        code_.emit(Handler::enter_loop);
    } else {
        code_.emit(Handler::count_loop, 0, 0, runtime_.tier->patience(module_, instruction.offset));
    }
}

void FunctionTranslator::open_if(const Instruction& instruction) {
    const Condition condition = take_condition();
    stack_.settle();
    open_block(instruction);
    emit_branch_when(condition, false, blocks_.back().else_label);
}

void FunctionTranslator::switch_to_else() {
    Block& block = blocks_.back();
    leave_arm(block);
    code_.bind(block.else_label);
    block.opcode = Opcode::else_;
    stack_.reset(block.height, block.type.parameters(module_));
    is_reachable_ = true;
}

void FunctionTranslator::close_block() {
    Block& block = blocks_.back();
    const auto results = block.type.results(module_);
    const bool is_function = blocks_.size() == 1;
    if (is_function && is_reachable_ && !block.label.is_used) {
        return_top();
        blocks_.pop_back();
        return;
    }
    if (is_reachable_) settle_results(block);
    if (block.guarded) {
        block.guarded->end = code_offset_;
        code_.add_try_region(*std::move(block.guarded));
    }
    if (block.opcode == Opcode::if_) {
        // Without an else, the parameters are the results.
        code_.bind(block.else_label);
        is_reachable_ = true;
    }
    if (!block.is_loop() && block.label.is_used) {
        code_.bind(block.label);
        is_reachable_ = true;
    }
    if (is_reachable_) stack_.reset(block.height, results);
    if (is_function && is_reachable_) return_top();
    blocks_.pop_back();
}

void FunctionTranslator::branch_to(std::uint32_t depth) {
    Block& target = block_at(depth);
    const bool is_function = depth + 1 == blocks_.size();
    if (is_function) return return_top();
    stack_.prepare_to_carry(arity_of(target));
    stack_.carry(arity_of(target), target.height);
    code_.emit_branch(Handler::branch, target.label);
    is_reachable_ = false;
}

bool FunctionTranslator::is_in_place(const Block& target) const {
    const std::uint32_t arity = arity_of(target);
    return arity == 0 || stack_.height() - arity == target.height;
}

template <typename EmitWhen>
void FunctionTranslator::branch_carrying(Block& target, const EmitWhen& emit_when) {
    const std::uint32_t arity = arity_of(target);
    if (is_in_place(target)) {
        stack_.settle_top(arity);
        emit_when(true, target.label);
        return;
    }
    Label behind;
    stack_.prepare_to_carry(arity);
    emit_when(false, behind);
    stack_.carry(arity, target.height);
    code_.emit_branch(Handler::branch, target.label);
    code_.bind(behind);
}

void FunctionTranslator::branch_if(std::uint32_t depth) {
    const Condition condition = take_condition();
    branch_carrying(block_at(depth), [&](bool expected, Label& label) {
        emit_branch_when(condition, expected, label);
    });
}

void FunctionTranslator::emit_branch_when_null(std::uint16_t reference, bool expected,
                                               Label& label) {
    constexpr Handler kWhenNull = handler_of(Opcode::i64_eq, Form::branch_if_constant);
    constexpr Handler kUnlessNull = handler_of(Opcode::i64_eq, Form::branch_unless_constant);
    code_.emit_branch(expected ? kWhenNull : kUnlessNull, label, reference);
    code_.extend(kNullReference);
}

void FunctionTranslator::branch_on_null(std::uint32_t depth) {
    stack_.settle_top(1);
    const std::uint16_t reference = stack_.pop_slot();
    branch_carrying(block_at(depth), [&](bool expected, Label& label) {
        emit_branch_when_null(reference, expected, label);
    });
    stack_.push_slot();
}

void FunctionTranslator::branch_on_non_null(std::uint32_t depth) {
    Block& target = block_at(depth);
    stack_.settle_top(arity_of(target));
    const std::uint16_t reference = stack_.slot_at(stack_.height() - 1);
    branch_carrying(target, [&](bool expected, Label& label) {
        emit_branch_when_null(reference, !expected, label);
    });
    stack_.pop();
}

void FunctionTranslator::branch_by_table(const Instruction& instruction) {
    const std::uint16_t selector = stack_.pop_slot();
    const std::uint32_t arity = arity_of(block_at(instruction.labels.back()));
    stack_.settle_top(arity);
    const std::uint32_t table_index = code_.size();
    code_.emit(Handler::branch_by_table, selector, 0,
               static_cast<std::uint32_t>(instruction.labels.size()));

    // Entries whose operands have to move first go by way of a detour behind the table.
    std::map<std::uint32_t, Label> detours;
    for (const std::uint32_t depth : instruction.labels) {
        Block& target = block_at(depth);
        code_.emit_table_entry(is_in_place(target) ? target.label : detours[depth], table_index);
    }
    for (auto& [depth, label] : detours) {
        code_.bind(label);
        stack_.carry(arity, block_at(depth).height);
        code_.emit_branch(Handler::branch, block_at(depth).label);
    }
    is_reachable_ = false;
}

void FunctionTranslator::return_top() {
    const auto results = blocks_.front().type.results(module_);
    const std::uint32_t slots = slots_of(results);
    if (slots == 0) {
        code_.emit(Handler::return_nothing);
    } else if (slots == 1) {
        const std::uint16_t slot = stack_.pop_slot();
        if (!code_.make_last_return(slot)) code_.emit(Handler::return_slot, slot);
    } else {
        stack_.settle_top(count_of(results));
        const std::uint16_t first = stack_.slot_at(stack_.height() - count_of(results));
        code_.emit(Handler::return_slots, first, 0, slots);
    }
    is_reachable_ = false;
}

FunctionTranslator::Condition FunctionTranslator::take_condition() {
    const Operand popped = stack_.pop();
    Condition condition;
    condition.slot = stack_.slot_of(popped);
    if (popped.kind != Operand::Kind::slot) return condition;
    while (condition.slot >= function_.local_slots) {
        const auto last = code_.last_plain(condition.slot);
        if (!last) break;
        if (last->opcode == Opcode::i32_eqz) {
            code_.take_back();
            condition.is_negated = !condition.is_negated;
            condition.slot = last->op.b;
            continue;
        }
        if (last->opcode == Opcode::i64_eqz || is_condition(last->opcode)) {
            code_.take_back();
            condition.swallowed = last;
        }
        break;
    }
    return condition;
}

void FunctionTranslator::emit_branch_when(const Condition& condition, bool expected, Label& label) {
    const bool when = expected != condition.is_negated;
    const Form form = when ? Form::branch_if : Form::branch_unless;
    const Form constant_form = when ? Form::branch_if_constant : Form::branch_unless_constant;
    if (!condition.swallowed) {
        code_.emit_branch(when ? Handler::branch_if_set : Handler::branch_if_clear, label,
                          condition.slot);
        return;
    }
    const auto& [opcode, last_form, op] = *condition.swallowed;
    if (opcode == Opcode::i64_eqz) {
        code_.emit_branch(handler_of(Opcode::i64_eq, constant_form), label, op.b);
        code_.extend(0);
    } else if (last_form == Form::constant) {
        const std::int64_t constant = static_cast<std::int32_t>(op.immediate);
        code_.emit_branch(handler_of(opcode, constant_form), label, op.b);
        code_.extend(static_cast<std::uint64_t>(constant));
    } else {
        code_.emit_branch(handler_of(opcode, form), label, op.b, op.c());
    }
}

void FunctionTranslator::call(const Instruction& instruction) {
    const LinkedFunction& callee = *instance_.functions[instruction.index];
    const FunctionType& type = module_.type_of_function(instruction.index);
    stack_.settle();
    code_.note_safepoint(SafepointKind::call, stack_.slot_count());
    stack_.pop_many(count_of(type.parameters));
    Handler handler = Handler::call_local;
    if (callee.instance == nullptr) {
        handler = Handler::call_host;
    } else if (callee.instance != &instance_) {
        handler = Handler::call_foreign;
    }
    code_.emit(handler, stack_.next_slot());
    code_.extend(reinterpret_cast<std::uintptr_t>(&callee), position());
    stack_.push_slots(type.results);
}

FunctionTranslator::Call FunctionTranslator::begin_indirect_call(SafepointKind kind,
                                                                 const FunctionType& type) {
    stack_.settle();
    code_.note_safepoint(kind, stack_.slot_count());
    const std::uint16_t callee = stack_.pop_slot();
    stack_.pop_many(count_of(type.parameters));
    return {stack_.next_slot(), callee};
}

void FunctionTranslator::call_indirect(const Instruction& instruction) {
    const FunctionType& type = module_.function_type(instruction.index);
    const Call call = begin_indirect_call(SafepointKind::call, type);
    code_.emit(Handler::call_through_table, call.arguments, call.callee, type_id(instruction));
    code_.extend(reinterpret_cast<std::uintptr_t>(instance_.tables[instruction.second_index]),
                 position());
    stack_.push_slots(type.results);
}

void FunctionTranslator::call_reference(const Instruction& instruction) {
    const FunctionType& type = module_.function_type(instruction.index);
    const Call call = begin_indirect_call(SafepointKind::call, type);
    code_.emit(Handler::call_through_reference, call.arguments, call.callee, type_id(instruction));
    code_.extend(0, position());
    stack_.push_slots(type.results);
}

void FunctionTranslator::tail_call(const Instruction& instruction) {
    const LinkedFunction& callee = *instance_.functions[instruction.index];
    if (callee.instance == nullptr) {  // the host has no frame that could take this one's place
        call(instruction);
        return return_top();
    }
    stack_.settle();
    code_.note_safepoint(SafepointKind::tail_call, stack_.slot_count());
    stack_.pop_many(count_of(module_.type_of_function(instruction.index).parameters));
    const bool is_foreign = callee.instance != &instance_;
    code_.emit(is_foreign ? Handler::tail_call_foreign : Handler::tail_call_local,
               stack_.next_slot());
    code_.extend(reinterpret_cast<std::uintptr_t>(&callee));
    is_reachable_ = false;
}

void FunctionTranslator::tail_call_indirect(const Instruction& instruction) {
    const FunctionType& type = module_.function_type(instruction.index);
    const Call call = begin_indirect_call(SafepointKind::tail_call, type);
    code_.emit(Handler::tail_call_through_table, call.arguments, call.callee, type_id(instruction));
    code_.extend(reinterpret_cast<std::uintptr_t>(instance_.tables[instruction.second_index]));
    is_reachable_ = false;
}

void FunctionTranslator::tail_call_reference(const Instruction& instruction) {
    const FunctionType& type = module_.function_type(instruction.index);
    const Call call = begin_indirect_call(SafepointKind::tail_call, type);
    code_.emit(Handler::tail_call_through_reference, call.arguments, call.callee,
               type_id(instruction));
    is_reachable_ = false;
}

std::uint32_t FunctionTranslator::type_id(const Instruction& instruction) const {
    return static_cast<std::uint32_t>(instance_.type_ids[instruction.index]);
}

std::uint64_t FunctionTranslator::position() const {
    return pack({code_offset_, stack_.slot_count()});
}

}  // namespace sojourn::vm
