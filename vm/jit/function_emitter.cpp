#include "vm/jit/function_emitter.hpp"

/// The beginning of a function, the walk over its instructions, and variables.
namespace sojourn::vm::jit {

FunctionEmitter::FunctionEmitter(Ir& ir, const CompileUnit& unit, const BodySurvey& survey)
    : unit_(unit),
      module_(unit.module),
      type_(module_.function_type(unit.function.type_index)),
      survey_(survey),
      layout_(module_),
      ir_(ir),
      in_frame_(mark_count()) {}

llvm::Function* FunctionEmitter::emit(const std::string& name) {
    const bool is_whole = unit_.loop_offset == 0;
    made_ = llvm::Function::Create(is_whole ? ir_.body_type(type_) : ir_.entry_type(),
                                   llvm::Function::ExternalLinkage, name, ir_.module());
    if (is_whole) made_->setCallingConv(Ir::kBodyConvention);
    made_->setDoesNotThrow();
    context_ = made_->getArg(0);
    slots_ = made_->getArg(1);
    frame_ = made_->getArg(2);
    ir_.SetInsertPoint(llvm::BasicBlock::Create(ir_.getContext(), "entry", made_));
    safepoints_ = ir_.CreateAlloca(ir_.getInt64Ty());
    for (const ValueType type : survey_.locals)
        locals_.push_back(ir_.CreateAlloca(ir_.type_of(type)));
    is_whole ? begin_whole() : begin_at_loop();
    emit_instructions();
    return made_;
}

void FunctionEmitter::begin_whole() {
    ir_.CreateStore(made_->getArg(Ir::kGuestParameter - 1), safepoints_);
    std::vector<llvm::Value*> arguments;
    for (unsigned i = 0; i < type_.parameters.size(); ++i)
        arguments.push_back(made_->getArg(Ir::kGuestParameter + i));
    set_locals(arguments);
    code_offset_ = unit_.function.code_offset;
    check_stack();
}

void FunctionEmitter::set_locals(std::span<llvm::Value* const> arguments) {
    for (std::size_t i = 0; i < locals_.size(); ++i) {
        llvm::Constant* const zero = llvm::Constant::getNullValue(locals_[i]->getAllocatedType());
        ir_.CreateStore(i < arguments.size() ? arguments[i] : zero, locals_[i]);
    }
}

void FunctionEmitter::begin_at_loop() {
    is_begun_ = false;
    take_count();
    in_frame_.assign(in_frame_.size(), true);
    const std::vector<llvm::Value*> values = ir_.load_slots(survey_.locals, slots_);
    for (std::uint32_t i = 0; i < local_count(); ++i)
        ir_.CreateStore(values[i], locals_[i]);
    // Nothing leads to what stands before the loop; see enter_at_loop().
    ir_.SetInsertPoint(ir_.new_block("before"));
}

void FunctionEmitter::check_stack() {
    llvm::Type* const word = ir_.getInt64Ty();
    llvm::BasicBlock* const exhausted = ir_.new_block("exhausted");
    llvm::BasicBlock* fits = ir_.new_block("fits");
    ir_.branch_rarely(is_stack_exhausted(), exhausted, fits);

    // It is the caller that traps: its frame says where it stands.
    ir_.SetInsertPoint(exhausted);
    llvm::Value* const caller =
        ir_.CreatePtrAdd(frame_, ir_.CreateNeg(ir_.word(sizeof(FrameState))));
    llvm::Value* const offset =
        ir_.load(ir_.getInt32Ty(), ir_.at(caller, offsetof(FrameState, code_offset)), Space::frame);
    llvm::Value* const place =
        ir_.CreateOr(ir_.CreateShl(ir_.CreateZExt(offset, word), 8),
                     ir_.word(static_cast<std::uint8_t>(Trap::stack_exhausted)));
    give_count();
    ir_.call_helper(context_, offsetof(CompiledHelpers, trap), ir_.getVoidTy(),
                    {context_, caller, place});
    ir_.CreateUnreachable();

    ir_.SetInsertPoint(fits);
    if (!survey_.calls) return;
    llvm::BasicBlock* const used_up = ir_.new_block("used_up");
    fits = ir_.new_block("begin");
    llvm::Value* const depth = ir_.CreatePtrToInt(ir_.CreateStackSave(), word);
    llvm::Value* const lowest =
        ir_.load(word, ir_.context_address(context_, ContextLayout::kNativeLimit), Space::state);
    ir_.branch_rarely(ir_.CreateICmpULT(depth, lowest), used_up, fits);
    ir_.SetInsertPoint(used_up);
    write_frame(0);
    write_position(0);
    give_count();
    ir_.call_helper(context_, offsetof(CompiledHelpers, leave), ir_.getVoidTy(),
                    {context_, slots_, frame_});
    ir_.CreateUnreachable();
    ir_.SetInsertPoint(fits);
}

llvm::Value* FunctionEmitter::is_stack_exhausted() {
    const std::uint64_t slot_bytes_max =
        (unit_.function.local_slots + unit_.function.operand_slots_max) * sizeof(std::uint64_t);
    llvm::Type* const word = ir_.getInt64Ty();
    llvm::Value* const used = ir_.CreateAdd(
        ir_.CreateAdd(ir_.CreatePtrToInt(slots_, word), ir_.CreatePtrToInt(frame_, word)),
        ir_.word(slot_bytes_max - sizeof(FrameState)));
    llvm::Value* const limit =
        ir_.load(word, ir_.context_address(context_, ContextLayout::kStackLimit), Space::state);
    return ir_.CreateICmpUGT(used, limit);
}

void FunctionEmitter::emit_instructions() {
    blocks_.push_back({.opcode = Opcode::block,
                       .type = BlockType::of_function_type(unit_.function.type_index),
                       .height = 0,
                       .target = ir_.new_block("return")});
    CodeReader reader(module_, unit_.function);
    while (!blocks_.empty()) {
        const Instruction& instruction = reader.next();
        code_offset_ = instruction.offset;
        if (is_reachable_ || dead_code_.is_left_at(instruction.opcode)) step(instruction);
    }
}

void FunctionEmitter::step(const Instruction& instruction) {
    const Opcode opcode = instruction.opcode;
    if (is_on_vectors(opcode)) return on_vectors(instruction);
    if (is_plain(opcode)) return plain(opcode);
    if (access_bytes(opcode) != 0) return access(instruction);
    if (step_variable(instruction) || step_control(instruction) || step_call(instruction)) return;
    const bool is_known = step_memory(instruction) || step_table(instruction) ||
                          step_vector(instruction) || step_exception(instruction);
    INVARIANT(is_known, "the survey refuses what is not compiled");
}

bool FunctionEmitter::step_variable(const Instruction& instruction) {
    const std::uint32_t index = instruction.index;
    switch (instruction.opcode) {
        case Opcode::nop:
            return true;
        case Opcode::local_get:
            push(survey_.locals[index],
                 ir_.CreateLoad(locals_[index]->getAllocatedType(), locals_[index]));
            return true;
        case Opcode::local_set:
            ir_.CreateStore(pop(), locals_[index]);
            in_frame_[mark_of_local(index)] = false;
            return true;
        case Opcode::local_tee:
            ir_.CreateStore(peek(), locals_[index]);
            in_frame_[mark_of_local(index)] = false;
            return true;
        case Opcode::global_get: {
            const ValueType type = module_.globals[index].type.type;
            llvm::Value* const global = ir_.context_address(context_, layout_.global(index));
            push(type, ir_.load_slot(type, global, 0, Space::globals));
            return true;
        }
        case Opcode::global_set: {
            llvm::Value* const global = ir_.context_address(context_, layout_.global(index));
            ir_.store_slot(pop(), global, 0, Space::globals);
            return true;
        }
        case Opcode::i32_const:
            push(ValueType::i32, ir_.getInt32(static_cast<std::uint32_t>(instruction.constant)));
            return true;
        case Opcode::i64_const:
            push(ValueType::i64, ir_.word(instruction.constant));
            return true;
        case Opcode::f32_const:
            push(ValueType::f32, ir_.float_of(static_cast<std::uint32_t>(instruction.constant)));
            return true;
        case Opcode::f64_const:
            push(ValueType::f64, ir_.double_of(instruction.constant));
            return true;
        case Opcode::drop:
            drop_to(height() - 1);
            return true;
        case Opcode::select:
        case Opcode::select_typed: {
            llvm::Value* const condition = is_true(pop());
            llvm::Value* const otherwise = pop();
            const ValueType type = operands_.back().type;
            push(type, ir_.CreateSelect(condition, pop(), otherwise));
            return true;
        }
        default:
            return step_reference(instruction);
    }
}

bool FunctionEmitter::step_reference(const Instruction& instruction) {
    switch (instruction.opcode) {
        case Opcode::ref_null:
            push(ValueType::funcref, ir_.word(kNullReference));
            return true;
        case Opcode::ref_func:
            push(ValueType::funcref,
                 helper(offsetof(CompiledHelpers, reference),
                        {ir_.context_address(context_, layout_.function(instruction.index))}));
            return true;
        case Opcode::ref_is_null:
            push(ValueType::i32, from_condition(ir_.CreateICmpEQ(pop(), ir_.word(kNullReference))));
            return true;
        case Opcode::ref_as_non_null: {
            llvm::Value* const reference = pop();
            trap_if(ir_.CreateICmpEQ(reference, ir_.word(kNullReference)), Trap::null_reference);
            push(ValueType::funcref, reference);
            return true;
        }
        default:
            return false;
    }
}

}  // namespace sojourn::vm::jit
