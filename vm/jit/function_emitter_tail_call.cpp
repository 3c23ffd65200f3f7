#include "vm/jit/function_emitter.hpp"

/// Tail calls. Neither stack grows: the callee has the caller's slots and frame, and compiled code
/// jumps to compiled code.
namespace sojourn::vm::jit {

void FunctionEmitter::tail_call(const Call& call, llvm::Value* callee, llvm::Value* context) {
    llvm::Value* const body = ir_.load(ir_.getPtrTy(), ir_.at(callee, kBodyOffset), Space::state);
    llvm::BasicBlock* const interpreted = ir_.new_block("interpreted");
    llvm::BasicBlock* const compiled = ir_.new_block("compiled");
    ir_.branch_rarely(ir_.CreateIsNull(body), interpreted, compiled);

    ir_.SetInsertPoint(interpreted);
    write_frame(height());
    write_arguments(call);
    give_count();
    ir_.call_helper(context_, offsetof(CompiledHelpers, tail_call), ir_.getVoidTy(),
                    {context_, callee, call.slots, slots_, frame_, ir_.word(call.position)});
    take_count();
    if (is_body() && type_.results.size() == 1) {
        return_only(ir_.load_slot(type_.results.front(), slots_, 0, Space::frame));
    } else {
        return_from_slots();
    }

    ir_.SetInsertPoint(compiled);
    llvm::Type* const word = ir_.getInt64Ty();
    llvm::Value* const bytes = ir_.load(word, ir_.at(callee, kSlotBytesOffset), Space::state);
    llvm::Value* const limit =
        ir_.load(word, ir_.context_address(context_, ContextLayout::kStackLimit), Space::state);
    llvm::Value* const used = ir_.CreateAdd(
        ir_.CreateAdd(ir_.CreatePtrToInt(slots_, word), bytes),
        ir_.CreateSub(ir_.CreatePtrToInt(frame_, word), ir_.word(sizeof(FrameState))));
    // Here, where the caller's frame is still there to say where.
    trap_if(ir_.CreateICmpUGT(used, limit), Trap::stack_exhausted);
    if (context == nullptr) context = context_of(callee);
    tail_call_body(call, body, context);
}

void FunctionEmitter::tail_call_body(const Call& call, llvm::Value* body, llvm::Value* context) {
    std::vector<llvm::Value*> arguments{context, slots_, frame_, load_count()};
    arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
    llvm::CallInst* const made = ir_.CreateCall(ir_.body_type(call.type), body, arguments);
    made->setCallingConv(Ir::kBodyConvention);
    made->setDoesNotThrow();
    is_reachable_ = false;
    if (is_body()) {
        made->setTailCallKind(llvm::CallInst::TCK_MustTail);
        // Other calls that come last stay calls: LLVM 19 adds up what recursive ones return, also
        // behind this one, which then is not the last.
        made_->addFnAttr("disable-tail-calls", "true");
        ir_.CreateRet(made);
        return;
    }
    // What begins at a loop is no body, and is left only once.
    const auto [safepoints, result] = ir_.returned_by(made);
    ir_.CreateStore(safepoints, safepoints_);
    if (result != nullptr) ir_.store_slots({result}, slots_);
    return_from_slots();
}

}  // namespace sojourn::vm::jit
