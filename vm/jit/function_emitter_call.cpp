#include "vm/jit/function_emitter.hpp"

/// Calls and traps.
namespace sojourn::vm::jit {

bool FunctionEmitter::step_call(const Instruction& instruction) {
    switch (instruction.opcode) {
        case Opcode::call:
        case Opcode::return_call:
            call_known(instruction);
            return true;
        case Opcode::call_indirect:
        case Opcode::call_ref:
        case Opcode::return_call_indirect:
        case Opcode::return_call_ref:
            call_looked_up(instruction);
            return true;
        default:
            return false;
    }
}

FunctionEmitter::Call FunctionEmitter::begin_call(const FunctionType& type, llvm::Value* selector) {
    Call call{.type = type, .selector = selector, .arguments = {}, .position = 0};
    const std::uint32_t selectors = selector == nullptr ? 0 : 1;
    call.position = pack({code_offset_, slot_count(height()) + selectors});
    for (std::size_t i = 0; i < type.parameters.size(); ++i)
        call.arguments.push_back(pop());
    std::ranges::reverse(call.arguments);
    write_position(height());
    call.slots = ir_.slot_address(slots_, slot_count(height()));
    return call;
}

void FunctionEmitter::finish_call(const Instruction& instruction, const Call& call,
                                  llvm::Value* callee, llvm::Value* context) {
    switch (instruction.opcode) {
        case Opcode::return_call:
        case Opcode::return_call_indirect:
        case Opcode::return_call_ref:
            return tail_call(call, callee, context);
        default:
            return call_any(call, callee, context);
    }
}

void FunctionEmitter::call_known(const Instruction& instruction) {
    poll();
    const std::uint32_t function_index = instruction.index;
    if (instruction.opcode == Opcode::call && inline_call(function_index)) return;
    const Call call = begin_call(module_.type_of_function(function_index), nullptr);
    const FunctionEmitter& outermost = this->outermost();
    if (outermost.is_body() && function_index == outermost.unit_.function_index)
        return call_itself(instruction, call);
    llvm::Value* const callee = ir_.context_address(context_, layout_.function(function_index));
    const bool is_own = function_index >= module_.imported_functions;
    finish_call(instruction, call, callee, is_own ? context_ : nullptr);
}

void FunctionEmitter::call_itself(const Instruction& instruction, const Call& call) {
    if (instruction.opcode == Opcode::return_call) return tail_call_body(call, made_, context_);
    complete_frame();
    push_results(call, call_body(call, made_, context_));
}

void FunctionEmitter::call_looked_up(const Instruction& instruction) {
    poll();
    llvm::Value* const selector = pop();
    const Call call = begin_call(module_.function_type(instruction.index), selector);
    const Callee callee = look_up(instruction, ir_.CreateZExt(selector, ir_.getInt64Ty()));
    finish_call(instruction, call, callee.function, callee.context);
}

FunctionEmitter::Callee FunctionEmitter::look_up(const Instruction& instruction,
                                                 llvm::Value* selector) {
    llvm::Value* const type_id = ir_.context_word(context_, layout_.type(instruction.index));
    llvm::BasicBlock* const unusual = ir_.new_block("unusual");
    llvm::BasicBlock* const found = ir_.new_block("found");
    const bool is_reference =
        instruction.opcode == Opcode::call_ref || instruction.opcode == Opcode::return_call_ref;
    const std::uint32_t table = instruction.second_index;
    const auto go_on_if = [&](llvm::Value* condition) {
        llvm::BasicBlock* const next = ir_.new_block("usual");
        ir_.branch_rarely(ir_.CreateNot(condition), unusual, next);
        ir_.SetInsertPoint(next);
    };

    llvm::Value* reference = selector;
    if (!is_reference) {
        llvm::Value* const size =
            ir_.load(ir_.getInt32Ty(), ir_.context_address(context_, layout_.table_size(table)),
                     Space::state);
        go_on_if(ir_.CreateICmpULT(selector, ir_.CreateZExt(size, ir_.getInt64Ty())));
        llvm::Value* const elements = ir_.context_address(context_, layout_.table_base(table));
        reference = ir_.load(ir_.getInt64Ty(),
                             ir_.CreatePtrAdd(elements, ir_.CreateShl(selector, 3)), Space::state);
    }
    llvm::Value* const first = ir_.context_word(context_, ContextLayout::kReferences);
    llvm::Value* const index = ir_.CreateSub(reference, first);
    go_on_if(ir_.CreateICmpULT(index, ir_.word(module_.functions.size())));
    llvm::Value* const own =
        ir_.context_address_at(context_, ir_.CreateAdd(index, ir_.word(layout_.function(0))));
    llvm::Value* const type = ir_.load(ir_.getInt64Ty(), ir_.at(own, kTypeOffset), Space::state);
    go_on_if(ir_.CreateICmpEQ(type, type_id));
    llvm::Value* const own_context = context_of(own);
    llvm::BasicBlock* const usual = ir_.GetInsertBlock();
    ir_.CreateBr(found);

    ir_.SetInsertPoint(unusual);
    give_count();
    llvm::Value* const function =
        is_reference
            ? ir_.call_rare_helper(offsetof(CompiledHelpers, referenced), ir_.getPtrTy(),
                                   {context_, selector, type_id, frame_})
            : ir_.call_rare_helper(offsetof(CompiledHelpers, element), ir_.getPtrTy(),
                                   {context_, ir_.context_address(context_, layout_.table(table)),
                                    selector, type_id, frame_});
    llvm::Value* const context = context_of(function);
    ir_.CreateBr(found);

    ir_.SetInsertPoint(found);
    return {ir_.join(own, usual, function, unusual),
            ir_.join(own_context, usual, context, unusual)};
}

llvm::Value* FunctionEmitter::context_of(llvm::Value* function) {
    return ir_.load(ir_.getPtrTy(), ir_.at(function, kContextOffset), Space::state);
}

void FunctionEmitter::complete_frame() {
    write_frame(height());
    note_written(height());
}

void FunctionEmitter::write_arguments(const Call& call) {
    std::vector<llvm::Value*> arguments = call.arguments;
    if (call.selector != nullptr) arguments.push_back(call.selector);
    ir_.store_slots(arguments, call.slots);
}

void FunctionEmitter::call_any(const Call& call, llvm::Value* callee, llvm::Value* context) {
    complete_frame();
    llvm::Value* const body = ir_.load(ir_.getPtrTy(), ir_.at(callee, kBodyOffset), Space::state);
    llvm::BasicBlock* const interpreted = ir_.new_block("interpreted");
    llvm::BasicBlock* const compiled = ir_.new_block("compiled");
    llvm::BasicBlock* const called = ir_.new_block("called");
    ir_.branch_rarely(ir_.CreateIsNull(body), interpreted, compiled);

    ir_.SetInsertPoint(interpreted);
    write_arguments(call);
    give_count();
    ir_.call_rare_helper(offsetof(CompiledHelpers, call), ir_.getVoidTy(),
                         {context_, callee, call.slots, frame_, ir_.word(call.position)});
    take_count();
    const auto& results = call.type.results;
    llvm::Value* const from_slots =
        results.size() == 1 ? ir_.load_slot(results.front(), call.slots, 0, Space::frame) : nullptr;
    ir_.CreateBr(called);

    ir_.SetInsertPoint(compiled);
    if (context == nullptr) context = context_of(callee);
    llvm::Value* const returned = call_body(call, body, context);
    ir_.CreateBr(called);

    ir_.SetInsertPoint(called);
    if (from_slots == nullptr) return push_results(call, nullptr);
    push_results(call, ir_.join(from_slots, interpreted, returned, compiled));
}

llvm::Value* FunctionEmitter::call_body(const Call& call, llvm::Value* body, llvm::Value* context) {
    std::vector<llvm::Value*> arguments{context, call.slots, ir_.at(frame_, sizeof(FrameState)),
                                        load_count()};
    arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
    llvm::CallInst* const made = ir_.CreateCall(ir_.body_type(call.type), body, arguments);
    made->setCallingConv(Ir::kBodyConvention);
    made->setDoesNotThrow();
    const auto [safepoints, result] = ir_.returned_by(made);
    ir_.CreateStore(safepoints, safepoints_);
    return result;
}

void FunctionEmitter::push_results(const Call& call, llvm::Value* only) {
    const auto& types = call.type.results;
    if (types.size() == 1) return push(types.front(), only);
    const std::vector<llvm::Value*> results = ir_.load_slots(types, call.slots);
    for (std::uint32_t i = 0; i < types.size(); ++i)
        push(types[i], results[i]);
}

void FunctionEmitter::trap(Trap kind) {
    trap_with(ir_.word(place_of(kind)));
    is_reachable_ = false;
}

void FunctionEmitter::trap_if(llvm::Value* condition, Trap kind) {
    llvm::BasicBlock* const trapped = ir_.new_block("trap");
    llvm::BasicBlock* const go_on = ir_.new_block("go_on");
    ir_.branch_rarely(condition, trapped, go_on);
    ir_.SetInsertPoint(trapped);
    trap_with(ir_.word(place_of(kind)));
    ir_.SetInsertPoint(go_on);
}

void FunctionEmitter::trap_if_any(llvm::Value* outcome) {
    llvm::BasicBlock* const trapped = ir_.new_block("trap");
    llvm::BasicBlock* const go_on = ir_.new_block("go_on");
    ir_.branch_rarely(ir_.CreateICmpNE(outcome, ir_.word(0)), trapped, go_on);
    ir_.SetInsertPoint(trapped);
    llvm::Value* const offset = ir_.word(std::uint64_t{code_offset_} << 8U);
    trap_with(ir_.CreateOr(offset, ir_.CreateSub(outcome, ir_.word(1))));
    ir_.SetInsertPoint(go_on);
}

void FunctionEmitter::trap_with(llvm::Value* place) {
    llvm::BasicBlock* const here = ir_.GetInsertBlock();
    if (trap_block_ == nullptr) {
        trap_block_ = ir_.new_block("trapped");
        ir_.SetInsertPoint(trap_block_);
        trap_place_ = ir_.CreatePHI(ir_.getInt64Ty(), 8);
        for (FunctionEmitter* caller = caller_; caller != nullptr; caller = caller->caller_) {
            caller->write_identity();
            caller->write_position(caller->height());
        }
        write_identity();
        give_count();
        ir_.call_helper(context_, offsetof(CompiledHelpers, trap), ir_.getVoidTy(),
                        {context_, frame_, trap_place_});
        ir_.CreateUnreachable();
        ir_.SetInsertPoint(here);
    }
    trap_place_->addIncoming(place, here);
    ir_.CreateBr(trap_block_);
}

}  // namespace sojourn::vm::jit
