#include "vm/jit/function_emitter.hpp"

/// Blocks and branches. Where ways meet, every operand is in its variable.
namespace sojourn::vm::jit {

bool FunctionEmitter::step_control(const Instruction& instruction) {
    switch (instruction.opcode) {
        case Opcode::unreachable:
            trap(Trap::unreachable);
            return true;
        case Opcode::block:
            settle();
            open_block(instruction, ir_.new_block("end"));
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
            branch_if(is_true(pop()), instruction.index);
            return true;
        case Opcode::br_table:
            branch_by_table(instruction);
            return true;
        case Opcode::br_on_null:
        case Opcode::br_on_non_null:
            branch_on_null(instruction);
            return true;
        case Opcode::return_:
            branch_to(static_cast<std::uint32_t>(blocks_.size() - 1));
            return true;
        default:
            return false;
    }
}

std::span<const ValueType> FunctionEmitter::label_types(const Block& block) const {
    return block.is_loop() ? block.type.parameters(module_) : block.type.results(module_);
}

void FunctionEmitter::open_block(const Instruction& instruction, llvm::BasicBlock* target) {
    const auto parameters = instruction.block.parameters(module_).size();
    blocks_.push_back({.opcode = instruction.opcode,
                       .type = instruction.block,
                       .height = height() - static_cast<std::uint32_t>(parameters),
                       .target = target});
}

void FunctionEmitter::open_loop(const Instruction& instruction) {
    settle();
    const BodySurvey::Loop& loop = survey_.loops.at(instruction.offset);
    llvm::BasicBlock* const head = ir_.new_block("loop");
    open_block(instruction, head);
    if (loop.calls) write_before(loop);
    // What comes back to the head may differ from what is in the frame now.
    for (std::uint32_t i = 0; i < local_count(); ++i)
        in_frame_[mark_of_local(i)] = in_frame_[mark_of_local(i)] && !loop.sets[i];
    for (std::uint32_t at = blocks_.back().height; at < height(); ++at)
        in_frame_[mark_of(at)] = false;
    llvm::BasicBlock* const begun = begin_iteration(loop, head);
    if (instruction.offset == unit_.loop_offset) enter_at(begun);
}

void FunctionEmitter::write_before(const BodySurvey::Loop& loop) {
    const std::uint32_t height = blocks_.back().height;
    std::vector<bool> in_frame = in_frame_;
    for (std::uint32_t i = 0; i < local_count(); ++i)
        in_frame_[mark_of_local(i)] = in_frame_[mark_of_local(i)] || loop.sets[i];
    write_frame(height);
    note_written(height);
    for (std::uint32_t i = 0; i < local_count(); ++i)
        in_frame_[mark_of_local(i)] = in_frame[mark_of_local(i)] || !loop.sets[i];
}

void FunctionEmitter::enter_at(llvm::BasicBlock* block) {
    llvm::BasicBlock* const here = ir_.GetInsertBlock();
    ir_.SetInsertPoint(&made_->getEntryBlock());
    for (std::uint32_t at = 0; at < height(); ++at) {
        const auto& [type, slot, value] = operands_[at];
        ir_.CreateStore(ir_.load_slot(type, slots_, slot, Space::frame), variable(at, type));
    }
    if (block != here) go_through_once();
    ir_.CreateBr(block);
    ir_.SetInsertPoint(here);
    is_begun_ = true;
}

void FunctionEmitter::open_if(const Instruction& instruction) {
    llvm::Value* const condition = is_true(pop());
    settle();
    open_block(instruction, ir_.new_block("end"));
    llvm::BasicBlock* const then = ir_.new_block("then");
    Block& block = blocks_.back();
    block.otherwise = ir_.new_block("else");
    block.in_frame_otherwise = in_frame_;
    ir_.CreateCondBr(condition, then, block.otherwise);
    ir_.SetInsertPoint(then);
}

void FunctionEmitter::switch_to_else() {
    Block& block = blocks_.back();
    if (is_reachable_) go_to(block);
    ir_.SetInsertPoint(block.otherwise);
    in_frame_ = std::move(block.in_frame_otherwise);
    block.otherwise = nullptr;
    drop_to(block.height);
    push_from_variables(block.type.parameters(module_));
    is_reachable_ = true;
}

void FunctionEmitter::close_block() {
    Block& block = blocks_.back();
    if (block.otherwise != nullptr) switch_to_else();  // without one the parameters are the results
    if (block.is_loop()) {
        if (!is_reachable_) drop_to(block.height);
        blocks_.pop_back();
        return;
    }
    if (is_reachable_) go_to(block);
    drop_to(block.height);
    is_reachable_ = block.in_frame_at_end.has_value();
    if (is_reachable_) {
        ir_.SetInsertPoint(block.target);
        in_frame_ = *std::move(block.in_frame_at_end);
        push_from_variables(block.type.results(module_));
        if (blocks_.size() == 1) emit_return();
    } else {
        block.target->eraseFromParent();
    }
    blocks_.pop_back();
}

void FunctionEmitter::go_to(Block& target) {
    const auto types = label_types(target);
    const auto count = static_cast<std::uint32_t>(types.size());
    std::vector<llvm::Value*> carried;
    for (std::uint32_t i = 0; i < count; ++i)
        carried.push_back(value_of(height() - count + i));
    for (std::uint32_t i = 0; i < count; ++i)
        ir_.CreateStore(carried[i], variable(target.height + i, types[i]));
    ir_.CreateBr(target.target);
    arrive_at(target);
}

void FunctionEmitter::arrive_at(Block& target) {
    if (target.is_loop()) return;
    std::vector<bool> in_frame = in_frame_;
    for (std::uint32_t mark = mark_of(target.height); mark < mark_of_identity(); ++mark)
        in_frame[mark] = false;
    if (target.in_frame_at_end) {
        for (std::size_t i = 0; i < in_frame.size(); ++i)
            in_frame[i] = in_frame[i] && (*target.in_frame_at_end)[i];
    }
    target.in_frame_at_end = std::move(in_frame);
}

void FunctionEmitter::branch_to(std::uint32_t depth) {
    go_to(block_at(depth));
    is_reachable_ = false;
}

void FunctionEmitter::branch_if(llvm::Value* condition, std::uint32_t depth) {
    llvm::BasicBlock* const taken = ir_.new_block("taken");
    llvm::BasicBlock* const next = ir_.new_block("next");
    ir_.CreateCondBr(condition, taken, next);
    ir_.SetInsertPoint(taken);
    go_to(block_at(depth));
    ir_.SetInsertPoint(next);
}

void FunctionEmitter::branch_by_table(const Instruction& instruction) {
    llvm::Value* const selector = pop();
    llvm::BasicBlock* const here = ir_.GetInsertBlock();
    std::map<std::uint32_t, llvm::BasicBlock*> ways;
    for (const std::uint32_t depth : instruction.labels) {
        const auto [way, is_new] = ways.try_emplace(depth);
        if (!is_new) continue;
        way->second = ir_.new_block("way");
        ir_.SetInsertPoint(way->second);
        go_to(block_at(depth));
    }
    ir_.SetInsertPoint(here);
    const auto count = static_cast<std::uint32_t>(instruction.labels.size()) - 1;
    llvm::SwitchInst* const choice =
        ir_.CreateSwitch(selector, ways.at(instruction.labels.back()), count);
    for (std::uint32_t i = 0; i < count; ++i)
        choice->addCase(ir_.getInt32(i), ways.at(instruction.labels[i]));
    is_reachable_ = false;
}

void FunctionEmitter::branch_on_null(const Instruction& instruction) {
    const ValueType type = operands_.back().type;
    llvm::Value* const reference = pop();
    llvm::Value* const is_null = ir_.CreateICmpEQ(reference, ir_.word(kNullReference));
    if (instruction.opcode == Opcode::br_on_null) {
        branch_if(is_null, instruction.index);
        push(type, reference);
    } else {
        push(type, reference);
        branch_if(ir_.CreateNot(is_null), instruction.index);
        drop_to(height() - 1);
    }
}

void FunctionEmitter::emit_return() {
    const auto count = static_cast<std::uint32_t>(type_.results.size());
    if (caller_ == nullptr && is_body() && count == 1) return return_only(pop());
    std::vector<llvm::Value*> results;
    for (std::uint32_t i = 0; i < count; ++i)
        results.push_back(value_of(i));
    if (caller_ != nullptr) {
        inlined_results_ = std::move(results);
        return;
    }
    ir_.store_slots(results, slots_);
    return_from_slots();
}

void FunctionEmitter::return_only(llvm::Value* result) {
    std::array<llvm::Value*, 2> both{load_count(), result};
    ir_.CreateAggregateRet(both.data(), both.size());
}

void FunctionEmitter::return_from_slots() {
    if (is_body()) {
        ir_.CreateRet(load_count());
    } else {
        give_count();
        ir_.CreateRetVoid();
    }
}

}  // namespace sojourn::vm::jit
