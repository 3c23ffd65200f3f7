#include "vm/jit/function_emitter.hpp"

/// Safepoints: what is counted at each, and where a pause is looked for.
///
/// The count is a variable here, which bodies give to each other; the machine's own is set before
/// whatever may look at it.
namespace sojourn::vm::jit {

namespace {

/// What a loop may go through between two looks, in iterations and in bytes of its body: some
/// microseconds.
constexpr std::uint32_t kIterationsMax = 4096;
constexpr std::uint32_t kChunkBytes = 64U << 10U;
/// Fewer are not worth a chunk.
constexpr std::uint32_t kIterationsMin = 8;

/// How many iterations a look serves.
std::uint32_t iterations_of(const BodySurvey::Loop& loop) {
    if (loop.calls || !loop.is_innermost) return 1;
    const std::uint32_t iterations = std::min(kIterationsMax, kChunkBytes / (loop.bytes + 1));
    return iterations < kIterationsMin ? 1 : iterations;
}

}  // namespace

llvm::Value* FunctionEmitter::is_pause_wanted() {
    llvm::Value* const flag = ir_.context_address(context_, ContextLayout::kPauseWanted);
    return is_true(ir_.load_shared(flag, Space::poll));
}

void FunctionEmitter::pause(llvm::Value* count) {
    write_frame(height());
    write_position(height());
    llvm::CallInst* const call = ir_.call_rare_helper(offsetof(CompiledHelpers, poll),
                                                      ir_.getInt64Ty(), {context_, frame_, count});
    call->setOnlyReadsMemory();  // when it comes back
    ir_.CreateStore(call, safepoints_);
}

void FunctionEmitter::poll() {
    llvm::BasicBlock* const wanted = ir_.new_block("pause");
    llvm::BasicBlock* const go_on = ir_.new_block("go_on");
    llvm::Value* const count = ir_.CreateAdd(load_count(), ir_.word(1));
    ir_.CreateStore(count, safepoints_);
    ir_.branch_rarely(is_pause_wanted(), wanted, go_on);
    ir_.SetInsertPoint(wanted);
    pause(count);
    ir_.CreateBr(go_on);
    ir_.SetInsertPoint(go_on);
}

llvm::BasicBlock* FunctionEmitter::begin_iteration(const BodySurvey::Loop& loop,
                                                   llvm::BasicBlock* head) {
    const std::uint32_t iterations = iterations_of(loop);
    if (iterations > 1) return begin_chunk(iterations, head);
    ir_.CreateBr(head);
    ir_.SetInsertPoint(head);
    poll();
    llvm::BasicBlock* const body = ir_.new_block("body");
    ir_.CreateBr(body);
    ir_.SetInsertPoint(body);
    return body;
}

llvm::BasicBlock* FunctionEmitter::begin_chunk(std::uint32_t iterations, llvm::BasicBlock* head) {
    llvm::BasicBlock* const chunk = ir_.new_block("chunk");
    llvm::BasicBlock* const wanted = ir_.new_block("pause");
    llvm::BasicBlock* const whole = ir_.new_block("whole");
    llvm::BasicBlock* const ready = ir_.new_block("ready");
    llvm::BasicBlock* const body = ir_.new_block("body");
    chunk_end_ = new_variable(ir_.getInt64Ty());

    ir_.CreateBr(chunk);
    ir_.SetInsertPoint(chunk);
    ir_.branch_rarely(is_pause_wanted(), wanted, whole);
    ir_.SetInsertPoint(whole);
    ir_.CreateStore(ir_.CreateAdd(load_count(), ir_.word(iterations)), chunk_end_);
    ir_.CreateBr(ready);
    ir_.SetInsertPoint(wanted);
    pause(ir_.CreateAdd(load_count(), ir_.word(1)));
    go_through_once();
    ir_.CreateBr(ready);

    ir_.SetInsertPoint(ready);
    ir_.CreateBr(head);
    ir_.SetInsertPoint(head);
    llvm::Value* const count = load_count();
    llvm::Value* const end = ir_.CreateLoad(ir_.getInt64Ty(), chunk_end_);
    ir_.CreateCondBr(ir_.CreateICmpEQ(count, end), chunk, body,
                     llvm::MDBuilder(ir_.getContext()).createBranchWeights(1, iterations));
    ir_.SetInsertPoint(body);
    ir_.CreateStore(ir_.CreateAdd(count, ir_.word(1)), safepoints_);
    return ready;
}

void FunctionEmitter::go_through_once() {
    llvm::Value* const count = load_count();
    ir_.CreateStore(count, chunk_end_);
    ir_.CreateStore(ir_.CreateSub(count, ir_.word(1)), safepoints_);
}

}  // namespace sojourn::vm::jit
