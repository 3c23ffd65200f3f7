#include "vm/exec/function_translator.hpp"

#include "vm/exec/interpreter.hpp"
#include "vm/exec/translator.hpp"

namespace sojourn::vm {

Translation translate(Runtime& runtime, const Instance& instance, const Function& function) {
    return FunctionTranslator(runtime, instance, function, interpreter_handlers()).translate();
}

namespace {

/// The first slot of each local, and one past the last.
std::vector<std::uint16_t> first_slots(std::span<const ValueType> parameters,
                                       const Function& function) {
    std::vector<std::uint16_t> slots;
    slots.reserve(function.local_count + 1);
    std::uint32_t next = 0;
    const auto add = [&](ValueType type) {
        slots.push_back(static_cast<std::uint16_t>(next));
        next += slots_of(type);
    };
    std::ranges::for_each(parameters, add);
    for (const auto& [count, type] : function.local_runs) {
        for (std::uint32_t i = 0; i < count; ++i)
            add(type);
    }
    slots.push_back(static_cast<std::uint16_t>(next));
    return slots;
}

}  // namespace

FunctionTranslator::FunctionTranslator(Runtime& runtime, const Instance& instance,
                                       const Function& function, const HandlerTable& handlers)
    : runtime_(runtime),
      instance_(instance),
      module_(*instance.module),
      function_(function),
      code_(handlers),
      stack_(code_, function_.local_slots),
      local_slots_(first_slots(module_.function_type(function_.type_index).parameters, function_)) {
}

Translation FunctionTranslator::translate() && {
    blocks_.push_back(
        {.opcode = Opcode::block, .type = BlockType::of_function_type(function_.type_index)});
    CodeReader reader(module_, function_);
    while (!blocks_.empty()) {
        const Instruction& instruction = reader.next();
        code_offset_ = instruction.offset;
        code_.set_code_offset(code_offset_);
        if (is_reachable_ || dead_code_.is_left_at(instruction.opcode)) step(instruction);
    }
    return std::move(code_).finish();
}

void FunctionTranslator::step(const Instruction& instruction) {
    const Opcode opcode = instruction.opcode;
    if (is_on_vectors(opcode)) return on_vectors(instruction);
    if (is_plain(opcode)) return plain(opcode);
    if (is_memory_access(opcode) || vector_access_of(opcode)) return access(instruction);
    const bool is_known = step_variable(instruction) || step_control(instruction) ||
                          step_memory(instruction) || step_table(instruction) ||
                          step_vector(instruction) || step_exception(instruction);
    INVARIANT(is_known, "every instruction that validates can be translated");
}

bool FunctionTranslator::step_variable(const Instruction& instruction) {
    const std::uint32_t index = instruction.index;
    switch (instruction.opcode) {
        case Opcode::local_get:
            stack_.push_local(local_slots_[index], width_of_local(index));
            return true;
        case Opcode::local_set:
            set_local(index, false);
            return true;
        case Opcode::local_tee:
            set_local(index, true);
            return true;
        case Opcode::global_get: {
            const std::uint32_t width = slots_of(module_.globals[index].type.type);
            const Handler handler = width == 2 ? Handler::global_read_vector : Handler::global_read;
            code_.emit_result(handler, stack_.push_slot(width));
            code_.extend(reinterpret_cast<std::uintptr_t>(instance_.globals[index]));
            return true;
        }
        case Opcode::global_set: {
            const bool is_vector = module_.globals[index].type.type == ValueType::v128;
            code_.emit(is_vector ? Handler::global_write_vector : Handler::global_write,
                       stack_.pop_slot());
            code_.extend(reinterpret_cast<std::uintptr_t>(instance_.globals[index]));
            return true;
        }
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
        case Opcode::ref_as_non_null: {
            const std::uint16_t reference = stack_.pop_slot();
            code_.emit(Handler::check_not_null, reference);
            if (reference == stack_.next_slot()) {
                stack_.push_slot();
            } else {
                stack_.push_local(reference, 1);
            }
            return true;
        }
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

void FunctionTranslator::set_local(std::uint32_t index, bool keeps_value) {
    const std::uint16_t local = local_slots_[index];
    const Operand value = stack_.pop();
    stack_.settle_local(local);
    const bool is_retargeted =
        value.kind == Operand::Kind::slot && code_.retarget_result(value.own_slot, local);
    if (!is_retargeted) stack_.emit_move(local, value);
    if (keeps_value) stack_.push_local(local, value.width);
}

void FunctionTranslator::select() {
    const std::uint16_t condition = stack_.pop_slot();
    const Operand otherwise = stack_.pop();
    const std::uint16_t otherwise_slot = stack_.slot_of(otherwise);
    const std::uint16_t chosen_slot = stack_.pop_slot();
    code_.emit_result(otherwise.width == 2 ? Handler::choose_vector : Handler::choose_slot,
                      stack_.push_slot(otherwise.width), chosen_slot,
                      otherwise_slot | std::uint32_t{condition} << 16U);
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
    Operand right = stack_.pop();
    Operand left = stack_.pop();
    if (left.is_constant() && !right.is_constant() && is_commutative(opcode)) {
        std::swap(left, right);
    }
    if (right.is_constant() && fits_constant_form(opcode, right.constant)) {
        const std::uint16_t left_slot = stack_.slot_of(left);
        const auto bits = static_cast<std::uint32_t>(right.constant);
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
    if (!last || slot < function_.local_slots || other > kConstantMax) return false;
    const auto handler = find_pair(last->opcode, last->form, opcode, form);
    if (!handler || last->op.immediate > kConstantMax) return false;
    code_.take_back();
    code_.emit_result(*handler, stack_.push_slot(), last->op.b, last->op.immediate | other << 16U);
    return true;
}

}  // namespace sojourn::vm
