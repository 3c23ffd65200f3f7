#include "vm/exec/function_translator.hpp"

#include "vm/exec/interpreter.hpp"
#include "vm/exec/translator.hpp"

namespace sojourn::vm {

Translation translate(Runtime& runtime, const Instance& instance, std::uint32_t function_index) {
    return FunctionTranslator(runtime, instance, function_index, interpreter_handlers())
        .translate();
}

FunctionTranslator::FunctionTranslator(Runtime& runtime, const Instance& instance,
                                       std::uint32_t function_index, const HandlerTable& handlers)
    : runtime_(runtime),
      instance_(instance),
      module_(*instance.module),
      function_(module_.functions[function_index]),
      code_(handlers),
      stack_(code_, function_.local_count) {}

Translation FunctionTranslator::translate() && {
    const FunctionType& type = module_.types[function_.type_index];
    blocks_.push_back(
        {Opcode::block, 0, 0, static_cast<std::uint32_t>(type.results.size()), {}, {}});
    CodeReader reader(module_, function_);
    while (!blocks_.empty()) {
        const Instruction& instruction = reader.next();
        code_offset_ = instruction.offset;
        code_.set_code_offset(code_offset_);
        if (is_reachable_) {
            step(instruction);
        } else {
            skip(instruction);
        }
    }
    return std::move(code_).finish();
}

void FunctionTranslator::skip(const Instruction& instruction) {
    switch (instruction.opcode) {
        case Opcode::block:
        case Opcode::loop:
        case Opcode::if_:
            ++skipped_blocks_;
            break;
        case Opcode::else_:
            if (skipped_blocks_ == 0) switch_to_else();
            break;
        case Opcode::end:
            if (skipped_blocks_ == 0) {
                close_block();
            } else {
                --skipped_blocks_;
            }
            break;
        default:
            break;
    }
}

void FunctionTranslator::step(const Instruction& instruction) {
    const Opcode opcode = instruction.opcode;
    if (is_plain(opcode)) return plain(opcode);
    if (is_memory_access(opcode)) return access(instruction);
    const bool is_known = step_variable(instruction) || step_control(instruction) ||
                          step_memory(instruction) || step_table(instruction);
    INVARIANT(is_known, "every instruction that validates can be translated");
}

bool FunctionTranslator::step_variable(const Instruction& instruction) {
    const auto index = static_cast<std::uint16_t>(instruction.index);
    switch (instruction.opcode) {
        case Opcode::local_get:
            stack_.push_local(index);
            return true;
        case Opcode::local_set:
            set_local(index, false);
            return true;
        case Opcode::local_tee:
            set_local(index, true);
            return true;
        case Opcode::global_get:
            code_.emit_result(Handler::global_read, stack_.push_slot());
            code_.extend(reinterpret_cast<std::uintptr_t>(instance_.globals[instruction.index]));
            return true;
        case Opcode::global_set:
            code_.emit(Handler::global_write, stack_.pop_slot());
            code_.extend(reinterpret_cast<std::uintptr_t>(instance_.globals[instruction.index]));
            return true;
        case Opcode::i32_const:
        case Opcode::i64_const:
        case Opcode::f32_const:
        case Opcode::f64_const:
            stack_.push_constant(instruction.constant);
            return true;
        case Opcode::ref_null:
            stack_.push_constant(kNullReference);
            return true;
        case Opcode::ref_func:
            stack_.push_constant(instance_.functions[instruction.index]->reference());
            return true;
        case Opcode::ref_is_null:
            plain(Opcode::i64_eqz);
            return true;
        case Opcode::drop:
            stack_.pop();
            return true;
        case Opcode::select:
        case Opcode::select_typed:
            select();
            return true;
        default:
            return false;
    }
}

void FunctionTranslator::set_local(std::uint16_t local, bool keeps_value) {
    const TakenOperand value = stack_.pop();
    stack_.settle_local(local);
    const bool is_retargeted =
        value.operand.kind == Operand::Kind::slot && code_.retarget_result(value.own_slot, local);
    if (!is_retargeted) stack_.emit_move(local, value);
    if (keeps_value) stack_.push_local(local);
}

void FunctionTranslator::select() {
    const std::uint16_t condition = stack_.pop_slot();
    const std::uint16_t otherwise = stack_.pop_slot();
    const std::uint16_t chosen = stack_.pop_slot();
    code_.emit_result(Handler::choose_slot, stack_.push_slot(), chosen,
                      otherwise | std::uint32_t{condition} << 16U);
}

namespace {

bool is_commutative(Opcode opcode) {
    switch (opcode) {
        case Opcode::i32_eq:
        case Opcode::i32_ne:
        case Opcode::i64_eq:
        case Opcode::i64_ne:
        case Opcode::i32_add:
        case Opcode::i32_mul:
        case Opcode::i32_and:
        case Opcode::i32_or:
        case Opcode::i32_xor:
        case Opcode::i64_add:
        case Opcode::i64_mul:
        case Opcode::i64_and:
        case Opcode::i64_or:
        case Opcode::i64_xor:
            return true;
        default:
            return false;
    }
}

/// The constant form sign-extends 32 bits to the width of the operands.
bool fits_constant_form(Opcode opcode, std::uint64_t bits) {
    if (!has_form(opcode, Form::constant)) return false;
    if (info_of(opcode).signature.operands[1] == ValueType::i32) return true;
    return static_cast<std::int64_t>(bits) ==
           static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
}

}  // namespace

void FunctionTranslator::plain(Opcode opcode) {
    if (info_of(opcode).signature.operand_count == 2) return plain_binary(opcode);
    const std::uint16_t operand = stack_.pop_slot();
    code_.emit_result(handler_of(opcode, Form::slots), stack_.push_slot(), operand);
}

void FunctionTranslator::plain_binary(Opcode opcode) {
    TakenOperand right = stack_.pop();
    TakenOperand left = stack_.pop();
    if (left.is_constant() && !right.is_constant() && is_commutative(opcode)) {
        std::swap(left, right);
    }
    if (right.is_constant() && fits_constant_form(opcode, right.operand.constant)) {
        const std::uint16_t left_slot = stack_.slot_of(left);
        const auto bits = static_cast<std::uint32_t>(right.operand.constant);
        if (emit_pair(left_slot, opcode, Form::constant, bits)) return;
        code_.emit_result(handler_of(opcode, Form::constant), stack_.push_slot(), left_slot, bits);
        return;
    }
    const std::uint16_t left_slot = stack_.slot_of(left);
    const std::uint16_t right_slot = stack_.slot_of(right);
    if (emit_pair(right_slot, opcode, Form::slots, left_slot)) return;
    if (emit_pair(left_slot, opcode, Form::slots, right_slot)) return;
    code_.emit_result(handler_of(opcode, Form::slots), stack_.push_slot(), left_slot, right_slot);
}

/// Makes one operation of the last one, whose result is the operand in `slot`, and `opcode` with
/// `other` for its second operand; false when there is no handler for both.
bool FunctionTranslator::emit_pair(std::uint16_t slot, Opcode opcode, Form form,
                                   std::uint32_t other) {
    constexpr std::uint32_t kConstantMax = UINT16_MAX;
    const auto last = code_.last_plain(slot);
    // A local's value is needed after this.
    if (!last || slot < function_.local_count || other > kConstantMax) return false;
    const auto handler = find_pair(last->opcode, last->form, opcode, form);
    if (!handler || last->op.immediate > kConstantMax) return false;
    code_.take_back();
    code_.emit_result(*handler, stack_.push_slot(), last->op.b, last->op.immediate | other << 16U);
    return true;
}

}  // namespace sojourn::vm
