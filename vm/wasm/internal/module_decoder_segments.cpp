#include "vm/wasm/internal/module_decoder.hpp"

/// Constant expressions, element and data segments.
namespace sojourn::vm::internal {

ConstantExpression ModuleDecoder::constant_expression(ValueType expected) {
    ConstantExpression expression;
    ImmediateStorage storage;
    Instruction instruction;
    std::vector<ValueType> operands;
    const std::uint32_t code_offset = reader_.offset();
    for (std::uint32_t length = 0; !reader_.failed(); ++length) {
        instruction.opcode = reader_.opcode();
        read_immediates(reader_, instruction, storage);
        if (reader_.failed()) break;
        if (instruction.opcode == Opcode::end) {
            if (operands.size() != 1 || !fits(module_->types, operands.front(), expected)) {
                reader_.invalid("type mismatch: a constant expression of type {} is wanted",
                                text_of(expected));
            }
            if (length > 1) expression = {ConstantExpression::Kind::code, code_offset};
            break;
        }
        expression = constant_instruction(instruction, operands);
    }
    return expression;
}

ConstantExpression ModuleDecoder::constant_instruction(const Instruction& instruction,
                                                       std::vector<ValueType>& operands) {
    using Kind = ConstantExpression::Kind;
    switch (instruction.opcode) {
        case Opcode::i32_const:
        case Opcode::i64_const:
        case Opcode::f32_const:
        case Opcode::f64_const:
        case Opcode::v128_const:
            operands.push_back(*info_of(instruction.opcode).signature.result);
            return {Kind::constant, instruction.constant, instruction.vector};
        case Opcode::ref_null:
            operands.push_back(instruction.type);
            return {Kind::null, 0};
        case Opcode::ref_func:
            declare(instruction.index);
            if (reader_.failed()) break;
            operands.push_back(reference_to_function(*module_, instruction.index));
            return {Kind::function, instruction.index};
        case Opcode::global_get: {
            if (!check_index(instruction.index, module_->globals.size(), "global")) break;
            const GlobalType& global = module_->globals[instruction.index].type;
            if (global.is_mutable) {
                reader_.invalid("constant expression required: global {} is mutable",
                                instruction.index);
            }
            operands.push_back(global.type);
            return {Kind::global, instruction.index};
        }
        case Opcode::i32_add:
        case Opcode::i32_sub:
        case Opcode::i32_mul:
        case Opcode::i64_add:
        case Opcode::i64_sub:
        case Opcode::i64_mul:
            constant_arithmetic(instruction, operands);
            break;
        default:
            reader_.invalid("constant expression required: {}", text_of(instruction.opcode));
            break;
    }
    return {};
}

void ModuleDecoder::constant_arithmetic(const Instruction& instruction,
                                        std::vector<ValueType>& operands) {
    const ValueType type = *info_of(instruction.opcode).signature.result;
    const std::size_t count = operands.size();
    if (count < 2 || operands[count - 1] != type || operands[count - 2] != type) {
        reader_.invalid("type mismatch: {} wants two {}", text_of(instruction.opcode),
                        text_of(type));
        return;
    }
    operands.pop_back();
}

void ModuleDecoder::element_section() {
    const std::uint32_t count = reader_.count("elem segments");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        module_->elements.push_back(element_segment());
    }
}

ElementSegment ModuleDecoder::element_segment() {
    constexpr std::uint32_t kExpressions = 4;
    constexpr std::uint32_t kFlagsMax = 7;
    const std::uint32_t flags = reader_.u32();
    ElementSegment segment;
    if (flags > kFlagsMax) {
        reader_.malformed("malformed elem segment flags 0x{:x}", flags);
        return segment;
    }
    element_header(segment, flags);
    element_items(segment, (flags & kExpressions) != 0);
    return segment;
}

void ModuleDecoder::element_header(ElementSegment& segment, std::uint32_t flags) {
    constexpr std::uint32_t kNotActive = 1;
    constexpr std::uint32_t kTableIndexOrDeclarative = 2;
    constexpr std::uint32_t kExpressions = 4;
    const bool is_active = (flags & kNotActive) == 0;
    const bool has_type = (flags & (kNotActive | kTableIndexOrDeclarative)) != 0;
    if (is_active) {
        segment.mode = ElementSegment::Mode::active;
        segment.table = (flags & kTableIndexOrDeclarative) != 0 ? reader_.u32() : 0;
        if (!check_index(segment.table, module_->tables.size(), "table")) return;
        segment.offset = constant_expression(module_->tables[segment.table].address);
    } else if ((flags & kTableIndexOrDeclarative) != 0) {
        segment.mode = ElementSegment::Mode::declarative;
    }
    if (has_type && (flags & kExpressions) != 0) {
        segment.type = reader_.reference_type();
    } else if (has_type && reader_.u8() != 0) {
        reader_.malformed("malformed element kind");
    }
    const bool are_functions = (flags & kExpressions) == 0;
    if (are_functions) segment.type = reference_to(HeapType::func, false);
    if (is_active && !reader_.failed() &&
        !fits(module_->types, segment.type, module_->tables[segment.table].element)) {
        reader_.invalid("type mismatch: an elem segment of {} for a table of {}",
                        text_of(segment.type), text_of(module_->tables[segment.table].element));
    }
}

void ModuleDecoder::element_items(ElementSegment& segment, bool are_expressions) {
    const std::uint32_t count = reader_.count("elements");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        if (are_expressions) {
            segment.elements.push_back(constant_expression(segment.type));
            continue;
        }
        const std::uint32_t function = reader_.u32();
        declare(function);
        segment.elements.push_back({ConstantExpression::Kind::function, function});
    }
}

void ModuleDecoder::data_section() {
    const std::uint32_t count = reader_.count("data segments");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        module_->data.push_back(data_segment());
    }
}

DataSegment ModuleDecoder::data_segment() {
    enum Flags : std::uint32_t { kActive, kPassive, kActiveWithMemory };
    const std::uint32_t flags = reader_.u32();
    DataSegment segment;
    if (flags > kActiveWithMemory) {
        reader_.malformed("malformed data segment flags 0x{:x}", flags);
        return segment;
    }
    if (flags != kPassive) {
        segment.mode = DataSegment::Mode::active;
        segment.memory = flags == kActiveWithMemory ? reader_.u32() : 0;
        if (!check_index(segment.memory, module_->memories.size(), "memory")) return segment;
        segment.offset = constant_expression(module_->memories[segment.memory].address);
    }
    segment.byte_count = reader_.u32();
    segment.bytes_offset = reader_.offset();
    reader_.bytes(segment.byte_count);
    return segment;
}

}  // namespace sojourn::vm::internal
