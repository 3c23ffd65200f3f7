#include "vm/jit/function_emitter.hpp"

/// Exception handling, and its legacy form.
///
/// Whoever catches, catches in the interpreter: a throw drops the native stack, and from the clause
/// on the frames go on there, until a loop brings them back. So nothing leads to a clause here but
/// the entry at a loop behind it, and nothing is done at a try.
namespace sojourn::vm::jit {

bool FunctionEmitter::step_exception(const Instruction& instruction) {
    switch (instruction.opcode) {
        case Opcode::try_:
            settle();
            open_block(instruction, ir_.new_block("end"));
            return true;
        case Opcode::try_table:
            open_try_table(instruction);
            return true;
        case Opcode::catch_:
        case Opcode::catch_all:
            switch_to_catch(instruction);
            return true;
        case Opcode::delegate:
            close_block();
            return true;
        case Opcode::throw_:
            throw_new(instruction);
            return true;
        case Opcode::throw_ref:
            throw_again(pop());
            return true;
        case Opcode::rethrow:
            throw_again(value_of(block_at(instruction.index).height));
            return true;
        default:
            return false;
    }
}

void FunctionEmitter::open_try_table(const Instruction& instruction) {
    settle();
    for (const Catch& clause : instruction.catches) {
        std::optional<std::vector<bool>>& in_frame = block_at(clause.label).in_frame_at_end;
        if (!in_frame) in_frame.emplace(in_frame_.size(), true);
    }
    open_block(instruction, ir_.new_block("end"));
}

void FunctionEmitter::switch_to_catch(const Instruction& instruction) {
    Block& block = blocks_.back();
    if (is_reachable_) go_to(block);
    ir_.SetInsertPoint(ir_.new_block("catch"));
    in_frame_.assign(in_frame_.size(), true);
    drop_to(block.height);
    // What a rethrow throws; a slot is left for it in any case.
    push(ValueType::exnref, unit_.function.rethrows ? nullptr : ir_.word(kNullReference));
    if (instruction.opcode == Opcode::catch_) {
        const std::uint32_t type = module_.tags[instruction.index].type_index;
        push_from_variables(module_.function_type(type).parameters);
    }
    is_reachable_ = true;
}

void FunctionEmitter::throw_new(const Instruction& instruction) {
    const std::uint32_t type = module_.tags[instruction.index].type_index;
    const auto count = static_cast<std::uint32_t>(module_.function_type(type).parameters.size());
    llvm::Value* const values = ir_.slot_address(slots_, slot_count(height() - count));
    leave_by(offsetof(CompiledHelpers, throw_new), {ir_.word(instruction.index), values});
}

void FunctionEmitter::throw_again(llvm::Value* reference) {
    leave_by(offsetof(CompiledHelpers, throw_again), {reference});
}

void FunctionEmitter::leave_by(std::size_t helper_offset, llvm::ArrayRef<llvm::Value*> arguments) {
    write_frame(height());
    write_position(height());
    give_count();
    std::vector<llvm::Value*> all{context_, frame_};
    all.insert(all.end(), arguments.begin(), arguments.end());
    ir_.call_helper(context_, helper_offset, ir_.getVoidTy(), all);
    ir_.CreateUnreachable();
    is_reachable_ = false;
}

}  // namespace sojourn::vm::jit
