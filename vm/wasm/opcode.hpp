#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "vm/wasm/value_type.hpp"

/// The instruction set: vm/wasm/opcodes.def as types and a table.
namespace sojourn::vm {

/// Dense: the n-th row of opcodes.def is n, so that it indexes tables of handlers.
enum class Opcode : std::uint16_t {
#define OPCODE(name, text, prefix, code, immediate, types, interrupt) name,
#include "vm/wasm/opcodes.def"
#undef OPCODE
};

/// What follows an opcode in the binary. Indices are LEB128 numbers of 32 bits.
enum class Immediate : std::uint8_t {
    none,
    block,          ///< a block type
    block_catches,  ///< a block type, then a vector of catch clauses
    tag,            ///< a tag index
    label,          ///< how many blocks outwards
    label_table,    ///< a vector of labels and a default
    function,       ///< a function index
    type,           ///< a type index
    indirect,       ///< a type index, then a table index
    value_types,    ///< a vector of value types
    local,          ///< a local index
    global,         ///< a global index
    table,          ///< a table index
    memarg,         ///< alignment as a power of two, a memory index if it says so, an offset
    memarg_lane,    ///< a memarg, then the number of a lane, 1 byte
    memory,         ///< a memory index
    i32,            ///< a signed LEB128 number
    i64,            ///< a signed LEB128 number
    f32,            ///< 4 bytes
    f64,            ///< 8 bytes
    v128,           ///< 16 bytes
    lane,           ///< the number of a lane, 1 byte
    lanes,          ///< the numbers of 16 lanes, 1 byte each
    heap_type,      ///< the type of a null
    data_memory,    ///< a data index, then a memory index
    data,           ///< a data index
    memory_memory,  ///< the memory written to, then the one read from
    element_table,  ///< an element index, then a table index
    element,        ///< an element index
    table_table,    ///< the table written to, then the one read from
};

/// Where the machine's state may be looked at.
enum class Interrupt : std::uint8_t { never, trap, safepoint };

/// The types column: what an instruction pops and pushes.
struct Signature {
    bool by_context = false;  ///< "*": the validator has a case of its own, the rest is empty
    std::uint8_t operand_count = 0;
    std::array<ValueType, 3> operands{};  ///< the deepest first
    std::optional<ValueType> result;
    /// Those that have the memory's address type, of which the i32 above is the 32-bit one.
    std::array<bool, 3> operand_is_address{};
    bool result_is_address = false;
};

struct OpcodeInfo {
    std::string_view name;  ///< the enumerator
    std::string_view text;  ///< what the text format calls it
    std::uint8_t prefix;    ///< 0x00: none
    std::uint32_t code;
    Immediate immediate;
    Signature signature;
    Interrupt interrupt;
};

namespace internal {

consteval ValueType value_type_of_letter(char letter) {
    switch (letter) {
        case 'i':
        case 'a':
            return ValueType::i32;
        case 'l':
            return ValueType::i64;
        case 'f':
            return ValueType::f32;
        case 'd':
            return ValueType::f64;
        case 'v':
            return ValueType::v128;
        default:
            throw "the types column has the letters i, l, f, d, v and a";
    }
}

consteval Signature parse_signature(std::string_view types) {
    Signature signature;
    if (types == "*") {
        signature.by_context = true;
        return signature;
    }
    const auto colon = types.find(':');
    for (const char letter : types.substr(0, colon)) {
        signature.operand_is_address[signature.operand_count] = letter == 'a';
        signature.operands[signature.operand_count++] = value_type_of_letter(letter);
    }
    if (types.size() > colon + 1) {
        signature.result_is_address = types.at(colon + 1) == 'a';
        signature.result = value_type_of_letter(types.at(colon + 1));
    }
    return signature;
}

}  // namespace internal

inline constexpr auto kOpcodes = std::to_array<OpcodeInfo>({
#define OPCODE(name, text, prefix, code, immediate, types, interrupt) \
    {#name,                                                           \
     text,                                                            \
     prefix,                                                          \
     code,                                                            \
     Immediate::immediate,                                            \
     internal::parse_signature(types),                                \
     Interrupt::interrupt},
#include "vm/wasm/opcodes.def"
#undef OPCODE
});
inline constexpr std::size_t kOpcodeCount = kOpcodes.size();

constexpr const OpcodeInfo& info_of(Opcode opcode) {
    return kOpcodes[static_cast<std::size_t>(opcode)];
}

constexpr std::string_view text_of(Opcode opcode) {
    return info_of(opcode).text;
}

inline constexpr std::uint8_t kPrefixNumeric = 0xfc;  ///< saturating, bulk memory, tables
inline constexpr std::uint8_t kPrefixVector = 0xfd;

/// Whether a second number follows that says which instruction it is.
constexpr bool is_prefix(std::uint8_t first) {
    return first == kPrefixNumeric || first == kPrefixVector;
}

namespace internal {

consteval bool opcodes_are_sorted_and_unique() {
    for (std::size_t i = 1; i < kOpcodeCount; ++i) {
        const auto& before = kOpcodes[i - 1];
        const auto& here = kOpcodes[i];
        if (before.prefix > here.prefix) return false;
        if (before.prefix == here.prefix && before.code >= here.code) return false;
    }
    return true;
}
static_assert(opcodes_are_sorted_and_unique());

inline constexpr std::uint16_t kNoOpcode = 0xffff;

inline constexpr std::size_t kCodesMax = 512;  ///< of one prefix

/// The rows of one prefix by code; kNoOpcode where there is none.
consteval std::array<std::uint16_t, kCodesMax> opcodes_by_code(std::uint8_t prefix) {
    std::array<std::uint16_t, kCodesMax> rows{};
    rows.fill(kNoOpcode);
    for (std::size_t i = 0; i < kOpcodeCount; ++i) {
        if (kOpcodes[i].prefix != prefix) continue;
        rows.at(kOpcodes[i].code) = static_cast<std::uint16_t>(i);
    }
    return rows;
}
inline constexpr auto kPlainOpcodes = opcodes_by_code(0x00);
inline constexpr auto kNumericOpcodes = opcodes_by_code(kPrefixNumeric);
inline constexpr auto kVectorOpcodes = opcodes_by_code(kPrefixVector);

}  // namespace internal

/// The instruction of that encoding; nullopt when this build knows none. O(1).
constexpr std::optional<Opcode> find_opcode(std::uint8_t prefix, std::uint32_t code) {
    if (code >= internal::kCodesMax) return std::nullopt;
    std::uint16_t row = internal::kNoOpcode;
    if (prefix == 0x00) row = internal::kPlainOpcodes[code];
    if (prefix == kPrefixNumeric) row = internal::kNumericOpcodes[code];
    if (prefix == kPrefixVector) row = internal::kVectorOpcodes[code];
    if (row == internal::kNoOpcode) return std::nullopt;
    return static_cast<Opcode>(row);
}
static_assert(find_opcode(0x00, 0x6a) == Opcode::i32_add);
static_assert(find_opcode(0xfc, 0x11) == Opcode::table_fill);
static_assert(find_opcode(0xfd, 0x113) == Opcode::i32x4_relaxed_dot_i8x16_i7x16_add_s);
static_assert(!find_opcode(0x00, 0xff));

}  // namespace sojourn::vm
