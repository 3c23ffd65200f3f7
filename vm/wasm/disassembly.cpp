#include "vm/wasm/disassembly.hpp"

#include <bit>
#include <cmath>

#include "base/printable.hpp"
#include "vm/wasm/code_reader.hpp"
#include "vm/wasm/meaning.hpp"

namespace sojourn::vm {

namespace {

std::string text_of_types(std::string_view keyword, std::span<const ValueType> types) {
    if (types.empty()) return {};
    std::string text = fmt::format(" ({}", keyword);
    for (const ValueType type : types)
        text += fmt::format(" {}", text_of(type));
    return text + ")";
}

std::string text_of(const Module& module, const BlockType& block) {
    if (const auto index = block.type_index()) return fmt::format(" (type {})", *index);
    return text_of_types("result", block.results(module));
}

std::string text_of(const Catch& clause) {
    const std::string_view suffix = clause.wants_reference ? "_ref" : "";
    if (!clause.tag) return fmt::format(" (catch_all{} {})", suffix, clause.label);
    return fmt::format(" (catch{} {} {})", suffix, *clause.tag, clause.label);
}

/// As the text format writes floats: a NaN with its payload.
template <typename Float, typename Bits>
std::string text_of_float(Bits bits) {
    const auto value = std::bit_cast<Float>(bits);
    if (!std::isnan(value)) return fmt::format(" {}", value);
    constexpr Bits kPayload = (Bits{1} << (std::numeric_limits<Float>::digits - 1)) - 1;
    return fmt::format(" {}nan:{:#x}", std::signbit(value) ? "-" : "", bits & kPayload);
}

std::string text_of_memory_access(const Instruction& instruction) {
    std::string text;
    if (instruction.index != 0) text += fmt::format(" {}", instruction.index);
    if (instruction.memory_offset != 0)
        text += fmt::format(" offset={}", instruction.memory_offset);
    const std::uint64_t alignment = std::uint64_t{1} << instruction.alignment_log2;
    if (alignment != access_bytes(instruction.opcode)) text += fmt::format(" align={}", alignment);
    return text;
}

std::string text_of_lanes(const V128& vector) {
    std::string text;
    for (const std::uint8_t lane : lanes_of<std::uint8_t>(vector))
        text += fmt::format(" {}", lane);
    return text;
}

/// The second index first, where the text format has it so; left out when it is 0.
std::string text_of_pair(std::uint32_t first, std::uint32_t second) {
    return first == 0 ? fmt::format(" {}", second) : fmt::format(" {} {}", first, second);
}

std::string text_of_immediates(const Module& module, const Instruction& instruction) {
    switch (info_of(instruction.opcode).immediate) {
        case Immediate::none:
            return {};
        case Immediate::block:
            return text_of(module, instruction.block);
        case Immediate::block_catches: {
            std::string text = text_of(module, instruction.block);
            for (const Catch& clause : instruction.catches)
                text += text_of(clause);
            return text;
        }
        case Immediate::function:
            return fmt::format(" {} <{}>", instruction.index,
                               printable(module.function_name(instruction.index)));
        case Immediate::label:
        case Immediate::tag:
        case Immediate::type:
        case Immediate::local:
        case Immediate::global:
        case Immediate::table:
        case Immediate::data:
        case Immediate::element:
            return fmt::format(" {}", instruction.index);
        case Immediate::memory:
            return instruction.index == 0 ? "" : fmt::format(" {}", instruction.index);
        case Immediate::label_table: {
            std::string text;
            for (const std::uint32_t label : instruction.labels)
                text += fmt::format(" {}", label);
            return text;
        }
        case Immediate::indirect:
            return (instruction.second_index == 0 ? ""
                                                  : fmt::format(" {}", instruction.second_index)) +
                   fmt::format(" (type {})", instruction.index);
        case Immediate::value_types:
            return text_of_types("result", instruction.types);
        case Immediate::memarg:
            return text_of_memory_access(instruction);
        case Immediate::memarg_lane:
            return text_of_memory_access(instruction) + fmt::format(" {}", instruction.lane);
        case Immediate::lane:
            return fmt::format(" {}", instruction.lane);
        case Immediate::lanes:
            return text_of_lanes(instruction.vector);
        case Immediate::v128:
            return fmt::format(" i64x2 {:#018x} {:#018x}", instruction.vector.halves[0],
                               instruction.vector.halves[1]);
        case Immediate::i32:
            return fmt::format(" {}", static_cast<std::int32_t>(instruction.constant));
        case Immediate::i64:
            return fmt::format(" {}", static_cast<std::int64_t>(instruction.constant));
        case Immediate::f32:
            return text_of_float<float>(static_cast<std::uint32_t>(instruction.constant));
        case Immediate::f64:
            return text_of_float<double>(instruction.constant);
        case Immediate::heap_type:
            return fmt::format(" {}", text_of(heap_of(instruction.type)));
        case Immediate::data_memory:
        case Immediate::element_table:
            return text_of_pair(instruction.second_index, instruction.index);
        case Immediate::memory_memory:
        case Immediate::table_table:
            if (instruction.index == 0 && instruction.second_index == 0) return {};
            return fmt::format(" {} {}", instruction.index, instruction.second_index);
    }
    return {};
}

bool opens_block(Opcode opcode) {
    const Immediate immediate = info_of(opcode).immediate;
    return immediate == Immediate::block || immediate == Immediate::block_catches;
}

/// Stands as far out as what opened its block.
bool continues_block(Opcode opcode) {
    return opcode == Opcode::else_ || opcode == Opcode::catch_ || opcode == Opcode::catch_all;
}

bool closes_block(Opcode opcode) {
    return opcode == Opcode::end || opcode == Opcode::delegate;
}

}  // namespace

std::string text_of(const Module& module, const Instruction& instruction) {
    return std::string(text_of(instruction.opcode)) + text_of_immediates(module, instruction);
}

void disassemble(const Module& module, const Function& function,
                 const std::function<void(const DisassembledLine&)>& visit) {
    CodeReader reader(module, function);
    std::uint32_t depth = 1;
    while (reader.offset() < function.end_offset) {
        const Instruction& instruction = reader.next();
        if (closes_block(instruction.opcode)) --depth;
        const bool is_out = continues_block(instruction.opcode);
        visit({instruction.offset, is_out ? depth - 1 : depth, text_of(module, instruction)});
        if (opens_block(instruction.opcode)) ++depth;
    }
}

}  // namespace sojourn::vm
