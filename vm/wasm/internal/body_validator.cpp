#include "vm/wasm/internal/body_validator.hpp"

#include "vm/wasm/meaning.hpp"

namespace sojourn::vm::internal {

// In one piece, where size does not matter: an instruction takes less than the calls for it would.
#ifndef __OPTIMIZE_SIZE__
[[gnu::flatten]]
#endif
void BodyValidator::validate(Function& function) {
    begin(function);
    while (!controls_.empty() && !reader_.failed())
        step();
    if (!reader_.failed() && !reader_.at_end()) {
        reader_.malformed("section size mismatch: {} bytes follow the end of the function",
                          reader_.left());
    }
    function.end_offset = reader_.offset();
    function.operand_slots_max = operand_slots_max_;
    function.rethrows = rethrows_;
}

void BodyValidator::begin(Function& function) {
    operands_.clear();
    controls_.clear();
    operand_slots_ = 0;
    operand_slots_max_ = 0;
    rethrows_ = false;
    type_index_ = function.type_index;
    function.body_offset = reader_.offset();
    read_locals(function);
    function.code_offset = reader_.offset();
    function.local_count = static_cast<std::uint32_t>(locals_.size());
    function.local_slots = local_slots_;
    controls_.push_back({.block = BlockType::of_function_type(type_index_)});
    // A clause of try_table may put the results in place where nothing ever pushes them.
    push_all(module_.function_type(type_index_).results);
    drop_block_operands();
}

void BodyValidator::read_locals(Function& function) {
    locals_ = module_.function_type(type_index_).parameters;
    local_slots_ = slots_of(locals_);
    is_unset_.clear();
    set_locals_.clear();
    function.local_runs.clear();
    const std::uint32_t run_count = reader_.count("runs of locals");
    std::uint64_t total = locals_.size();
    for (std::uint32_t i = 0; i < run_count && !reader_.failed(); ++i) {
        const std::uint32_t count = reader_.u32();
        const ValueType type = reader_.value_type();
        total += count;
        if (total > UINT32_MAX) reader_.malformed("too many locals");
        // Beyond the limit the count goes on, so that too many for the format are malformed.
        if (total <= kLocalsMax && !reader_.failed()) add_locals(function, count, type);
    }
    if (total > kLocalsMax) reader_.unsupported("{} locals, at most {}", total, kLocalsMax);
}

void BodyValidator::add_locals(Function& function, std::uint32_t count, ValueType type) {
    if (!is_defaultable(type)) is_unset_.resize(locals_.size());
    locals_.insert(locals_.end(), count, type);
    local_slots_ += count * slots_of(type);
    if (!is_defaultable(type) || !is_unset_.empty()) {
        is_unset_.resize(locals_.size(), !is_defaultable(type));
    }
    if (count > 0) function.local_runs.emplace_back(count, type);
}

void BodyValidator::step() {
    instruction_.offset = reader_.offset();
    instruction_.opcode = reader_.opcode();
    if (common_instruction()) return;
    read_immediates(reader_, instruction_, storage_);
    if (reader_.failed()) return;
    const OpcodeInfo& info = info_of(instruction_.opcode);
    if (info.signature.by_context) {
        by_context();
        return;
    }
    if (info.immediate != Immediate::none) check_immediate(info.immediate);
    apply(info.signature);
}

bool BodyValidator::common_instruction() {
    switch (instruction_.opcode) {
        case Opcode::local_get:
        case Opcode::local_set:
        case Opcode::local_tee:
            instruction_.index = reader_.u32();
            if (!reader_.failed()) local_instruction();
            return true;
        case Opcode::i32_const:
            reader_.s32();
            push(ValueType::i32);
            return true;
        case Opcode::i64_const:
            reader_.s64();
            push(ValueType::i64);
            return true;
        case Opcode::i32_load:
        case Opcode::i32_store:
        case Opcode::i64_load:
        case Opcode::i64_store:
        case Opcode::i32_load8_u:
        case Opcode::i32_store8:
            read_memarg(reader_, instruction_);
            if (reader_.failed()) return true;
            memory_access();
            apply(info_of(instruction_.opcode).signature);
            return true;
        case Opcode::i32_add:
        case Opcode::i32_sub:
        case Opcode::i32_and:
        case Opcode::i32_eq:
        case Opcode::i32_ne:
            pop(ValueType::i32);
            if (is_on_top(ValueType::i32)) [[likely]]
                return true;
            pop(ValueType::i32);
            push(ValueType::i32);
            return true;
        case Opcode::block:
        case Opcode::loop:
        case Opcode::if_:
            instruction_.block = reader_.block_type();
            if (!reader_.failed()) enter_block();
            return true;
        case Opcode::br:
        case Opcode::br_if:
        case Opcode::call:
            instruction_.index = reader_.u32();
            if (!reader_.failed()) control_instruction();
            return true;
        case Opcode::end:
            leave_block();
            return true;
        default:
            return reader_.failed();
    }
}

void BodyValidator::memory_access() {
    if (!has_memory(instruction_.index)) return;
    check_alignment();
    check_offset();
}

void BodyValidator::apply(const Signature& signature) {
    for (unsigned i = signature.operand_count; i > 0; --i) {
        pop(signature.operand_is_address[i - 1] ? address_ : signature.operands[i - 1]);
    }
    if (signature.result) push(signature.result_is_address ? address_ : *signature.result);
}

void BodyValidator::check_immediate(Immediate immediate) {
    const std::uint32_t first = instruction_.index;
    const std::uint32_t second = instruction_.second_index;
    switch (immediate) {
        case Immediate::memarg:
            memory_access();
            break;
        case Immediate::memarg_lane:
            memory_access();
            check_lane();
            break;
        case Immediate::lane:
            check_lane();
            break;
        case Immediate::lanes:
            for (const std::uint8_t lane : lanes_of<std::uint8_t>(instruction_.vector)) {
                if (lane >= 2 * kLaneCount<std::uint8_t>)
                    reader_.invalid("invalid lane index {}", lane);
            }
            break;
        case Immediate::memory:
            has_memory(first);
            break;
        case Immediate::data_memory:
            if (has_memory(second)) check_data_index();
            break;
        case Immediate::data:
            check_data_index();
            break;
        case Immediate::element:
            check_index(first, module_.elements.size(), "elem segment");
            break;
        default:  // constants; every other immediate belongs to by_context()
            break;
    }
}

void BodyValidator::check_alignment() {
    const std::uint32_t alignment = instruction_.alignment_log2;
    if (alignment >= kMemoryIndexFollows) {
        reader_.malformed("malformed memop flags 0x{:x}", alignment);
    } else if ((std::uint64_t{1} << alignment) > access_bytes(instruction_.opcode)) {
        reader_.invalid("alignment must not be larger than natural");
    }
}

void BodyValidator::check_offset() {
    if (address_ == ValueType::i32 && instruction_.memory_offset > UINT32_MAX) {
        reader_.invalid("offset out of range: {}", instruction_.memory_offset);
    }
}

void BodyValidator::check_lane() {
    if (instruction_.lane < lane_count(instruction_.opcode)) return;
    reader_.blame(instruction_.offset);
    reader_.invalid("invalid lane index {}", instruction_.lane);
}

void BodyValidator::check_data_index() {
    if (!module_.data_count) {
        reader_.malformed("data count section required");
        return;
    }
    check_index(instruction_.index, *module_.data_count, "data segment");
}

void BodyValidator::by_context() {
    switch (instruction_.opcode) {
        case Opcode::global_get:
        case Opcode::global_set:
            global_instruction();
            break;
        case Opcode::drop:
            pop_any();
            break;
        case Opcode::select:
            select();
            break;
        case Opcode::select_typed:
            select_typed();
            break;
        case Opcode::ref_null:
        case Opcode::ref_is_null:
        case Opcode::ref_func:
        case Opcode::ref_as_non_null:
            reference_instruction();
            break;
        case Opcode::memory_copy:
            memory_copy();
            break;
        case Opcode::table_init:
            table_init();
            break;
        case Opcode::table_copy:
            table_copy();
            break;
        case Opcode::table_get:
        case Opcode::table_set:
        case Opcode::table_size:
        case Opcode::table_grow:
        case Opcode::table_fill:
            table_instruction();
            break;
        case Opcode::try_:
        case Opcode::try_table:
        case Opcode::catch_:
        case Opcode::catch_all:
        case Opcode::delegate:
        case Opcode::throw_:
        case Opcode::throw_ref:
        case Opcode::rethrow:
            exception_instruction();
            break;
        default:
            control_instruction();
            break;
    }
}

void BodyValidator::global_instruction() {
    const std::uint32_t index = instruction_.index;
    if (!check_index(index, module_.globals.size(), "global")) return;
    const GlobalType& global = module_.globals[index].type;
    if (instruction_.opcode == Opcode::global_get) {
        push(global.type);
    } else if (global.is_mutable) {
        pop(global.type);
    } else {
        reader_.invalid("global is immutable: {}", index);
    }
}

void BodyValidator::local_instruction() {
    const std::uint32_t index = instruction_.index;
    if (!check_index(index, locals_.size(), "local")) return;
    const bool is_unset = !is_unset_.empty() && is_unset_[index];
    if (instruction_.opcode == Opcode::local_get) {
        if (is_unset) reader_.invalid("uninitialized local {}", index);
        return push(locals_[index]);
    }
    pop(locals_[index]);
    if (is_unset) {
        is_unset_[index] = false;
        set_locals_.push_back(index);
    }
    if (instruction_.opcode == Opcode::local_tee) push(locals_[index]);
}

void BodyValidator::unset_locals(const Control& control) {
    for (; set_locals_.size() > control.set_locals; set_locals_.pop_back())
        is_unset_[set_locals_.back()] = true;
}

void BodyValidator::reference_instruction() {
    const std::uint32_t index = instruction_.index;
    switch (instruction_.opcode) {
        case Opcode::ref_null:
            push(instruction_.type);
            break;
        case Opcode::ref_is_null:
            pop_reference();
            push(ValueType::i32);
            break;
        case Opcode::ref_as_non_null:
            if (const auto type = pop_reference()) push(not_null(*type));
            break;
        default:  // ref_func
            if (!check_index(index, module_.functions.size(), "function")) return;
            if (!module_.declared_functions[index]) {
                reader_.invalid("undeclared function reference {}", index);
            }
            push(reference_to_function(module_, index));
            break;
    }
}

void BodyValidator::select() {
    pop(ValueType::i32);
    const Operand second = pop_any();
    const Operand first = pop_any();
    for (const Operand& operand : {first, second}) {
        if (operand && is_reference(*operand)) mismatch("a number", text_of(*operand));
    }
    if (first && second && first != second) mismatch(text_of(*first), text_of(*second));
    push(first ? first : second);
}

void BodyValidator::select_typed() {
    if (instruction_.types.size() != 1) {
        reader_.invalid("invalid result arity of select: {}", instruction_.types.size());
        return;
    }
    const ValueType type = instruction_.types.front();
    pop(ValueType::i32);
    pop(type);
    pop(type);
    push(type);
}

void BodyValidator::new_slots_max() {
    operand_slots_max_ = operand_slots_;
    if (local_slots_ + operand_slots_max_ > kFunctionSlotsMax) {
        reader_.unsupported("more than {} slots of locals and operands", kFunctionSlotsMax);
    }
}

void BodyValidator::push_all(std::span<const ValueType> types) {
    for (const ValueType type : types)
        push(type);
}

BodyValidator::Operand BodyValidator::pop_any() {
    const Control& control = controls_.back();
    if (operands_.size() == control.height) {
        if (!control.is_unreachable) mismatch("a value", "nothing");
        return std::nullopt;
    }
    return take_top();
}

void BodyValidator::drop_block_operands() {
    operands_.resize(controls_.back().height);
    operand_slots_ = controls_.back().slots;
}

std::optional<ValueType> BodyValidator::pop_reference() {
    const Operand top = pop_any();
    if (!top) return reference_to(HeapType::bottom, false);
    if (is_reference(*top)) return *top;
    mismatch("a reference", text_of(*top));
    return std::nullopt;
}

void BodyValidator::pop_other(ValueType expected) {
    const Control& control = controls_.back();
    if (operands_.size() > control.height) [[likely]] {
        const Operand top = take_top();
        if (top == expected || !top) [[likely]] {
            return;
        }
        if (fits(*top, expected)) return;
        mismatch(text_of(expected), text_of(*top));
        return;
    }
    if (!control.is_unreachable) mismatch(text_of(expected), "nothing");
}

void BodyValidator::pop_all(std::span<const ValueType> expected) {
    for (std::size_t i = expected.size(); i > 0; --i)
        pop(expected[i - 1]);
}

void BodyValidator::check_top(std::span<const ValueType> expected) {
    const Control& control = controls_.back();
    const std::size_t available = operands_.size() - control.height;
    for (std::size_t depth = 0; depth < expected.size(); ++depth) {
        const ValueType wanted = expected[expected.size() - 1 - depth];
        if (depth >= available) {
            if (!control.is_unreachable) mismatch(text_of(wanted), "nothing");
            return;
        }
        const Operand found = operands_[operands_.size() - 1 - depth];
        if (found && !fits(*found, wanted)) mismatch(text_of(wanted), text_of(*found));
    }
}

bool BodyValidator::check_function_type(std::uint32_t type_index) {
    if (!check_index(type_index, module_.types.size(), "type")) return false;
    if (module_.types[type_index].kind == DefinedType::Kind::function) return true;
    mismatch("a type of functions", "another");
    return false;
}

bool BodyValidator::check_index(std::uint32_t index, std::size_t count, std::string_view of_what) {
    if (index < count) return true;
    reader_.blame(instruction_.offset);
    reader_.invalid("unknown {} {}", of_what, index);
    return false;
}

void BodyValidator::mismatch(std::string_view expected, std::string_view found) {
    reader_.blame(instruction_.offset);
    reader_.invalid("type mismatch: {} wants {} and finds {}", text_of(instruction_.opcode),
                    expected, found);
}

}  // namespace sojourn::vm::internal
