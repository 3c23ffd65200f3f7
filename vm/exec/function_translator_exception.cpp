#include "vm/exec/function_translator.hpp"

/// Translation of exception handling, and of its legacy form.
///
/// Nothing is done at a try: its region, the code offsets that it guards, is looked up when
/// something is thrown. A clause of try_table lands on an operation of its own that branches on;
/// one of a legacy try on its code.
namespace sojourn::vm {

bool FunctionTranslator::step_exception(const Instruction& instruction) {
    switch (instruction.opcode) {
        case Opcode::try_:
            open_try(instruction);
            return true;
        case Opcode::try_table:
            open_try_table(instruction);
            return true;
        case Opcode::catch_:
        case Opcode::catch_all:
            switch_to_catch(instruction);
            return true;
        case Opcode::delegate:
            close_delegating(instruction.index);
            return true;
        case Opcode::throw_:
            throw_new(instruction);
            return true;
        case Opcode::throw_ref:
            throw_reference(stack_.pop_slot());
            return true;
        case Opcode::rethrow:
            throw_reference(stack_.slot_at(block_at(instruction.index).height));
            return true;
        default:
            return false;
    }
}

void FunctionTranslator::throw_new(const Instruction& instruction) {
    const ExceptionTag& tag = *instance_.tags[instruction.index];
    const auto count = static_cast<std::uint32_t>(
        module_.function_type(module_.tags[instruction.index].type_index).parameters.size());
    stack_.settle_top(count);
    stack_.pop_many(count);
    code_.emit(Handler::throw_tag, stack_.next_slot());
    code_.extend(reinterpret_cast<std::uintptr_t>(&tag));
    is_reachable_ = false;
}

void FunctionTranslator::throw_reference(std::uint16_t slot) {
    code_.emit(Handler::throw_exception, slot);
    is_reachable_ = false;
}

void FunctionTranslator::open_try_table(const Instruction& instruction) {
    stack_.settle();
    Label body;
    TryRegion region{.begin = instruction.offset, .end = 0, .clauses = {}, .delegated_to = {}};
    code_.emit_branch(Handler::branch, body);
    for (const Catch& clause : instruction.catches)
        region.clauses.push_back(clause_of(clause));
    code_.bind(body);
    open_block(instruction);
    blocks_.back().guarded = std::move(region);
}

CatchClause FunctionTranslator::clause_of(const Catch& clause) {
    Block& target = block_at(clause.label);
    CatchClause made;
    made.word_index = code_.size();
    made.first_slot = stack_.slot_at(target.height);
    std::uint16_t slots = 0;
    if (clause.tag) {
        made.tag = instance_.tags[*clause.tag];
        slots = static_cast<std::uint16_t>(made.tag->slot_count);
    }
    if (clause.wants_reference)
        made.reference_slot = static_cast<std::uint16_t>(made.first_slot + slots++);
    if (clause.label + 1 < blocks_.size()) {
        code_.emit_branch(Handler::branch, target.label);
    } else {
        code_.emit(Handler::return_slots, made.first_slot, 0, slots);
    }
    return made;
}

void FunctionTranslator::open_try(const Instruction& instruction) {
    stack_.settle();
    open_block(instruction);
}

void FunctionTranslator::switch_to_catch(const Instruction& instruction) {
    Block& block = blocks_.back();
    leave_arm(block);
    if (!block.try_region) {
        block.try_region = code_.add_try_region({block.begin, code_offset_, {}, {}});
    }
    Label landing;
    code_.bind(landing);
    stack_.reset(block.height, {});
    CatchClause clause;
    clause.word_index = *landing.word_index;
    if (function_.rethrows) {
        clause.reference_slot = stack_.push_slot();
    } else {
        stack_.push_constant(kNullReference);
    }
    clause.first_slot = stack_.next_slot();
    if (instruction.opcode == Opcode::catch_) {
        const std::uint32_t type_index = module_.tags[instruction.index].type_index;
        clause.tag = instance_.tags[instruction.index];
        stack_.push_slots(module_.function_type(type_index).parameters);
    }
    code_.try_region(*block.try_region).clauses.push_back(clause);
    block.opcode = instruction.opcode;
    is_reachable_ = true;
}

void FunctionTranslator::close_delegating(std::uint32_t depth) {
    const std::uint32_t begin = blocks_.back().begin;
    const Block& target = block_at(depth + 1);
    code_.add_try_region({begin, code_offset_, {}, target.begin});
    close_block();
}

void FunctionTranslator::leave_arm(Block& block) {
    if (!is_reachable_) return;
    settle_results(block);
    code_.emit_branch(Handler::branch, block.label);
}

void FunctionTranslator::settle_results(const Block& block) {
    const std::uint32_t count = count_of(block.type.results(module_));
    if (stack_.height() - count == block.height) {
        stack_.settle_top(count);
    } else {
        stack_.prepare_to_carry(count);
        stack_.carry(count, block.height);
    }
}

}  // namespace sojourn::vm
