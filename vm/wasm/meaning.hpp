#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "vm/wasm/meaning_conversion.hpp"
#include "vm/wasm/meaning_float.hpp"
#include "vm/wasm/meaning_integer.hpp"
#include "vm/wasm/meaning_memory.hpp"
#include "vm/wasm/meaning_relaxed.hpp"

/// The meaning of every plain instruction and memory access, held complete against the table.
namespace sojourn::vm {

/// Its immediate is a lane of its first operand.
constexpr bool takes_lane(Opcode opcode) {
    return info_of(opcode).immediate == Immediate::lane;
}

/// An instruction whose result depends on its operands, and its lane, alone: it has a Meaning.
constexpr bool is_plain(Opcode opcode) {
    const OpcodeInfo& info = info_of(opcode);
    return (info.immediate == Immediate::none || takes_lane(opcode)) &&
           info.signature.result.has_value();
}

/// A load or store: it has a MemoryMeaning.
constexpr bool is_memory_access(Opcode opcode) {
    return info_of(opcode).immediate == Immediate::memarg && !vector_access_of(opcode);
}

/// A plain instruction with an operand or result of type v128.
constexpr bool is_on_vectors(Opcode opcode) {
    const Signature& signature = info_of(opcode).signature;
    return is_plain(opcode) &&
           (signature.operands[0] == ValueType::v128 || signature.result == ValueType::v128);
}

namespace internal {

template <ValueType type>
consteval auto number_of() {
    if constexpr (type == ValueType::i32) return std::int32_t{};
    if constexpr (type == ValueType::i64) return std::int64_t{};
    if constexpr (type == ValueType::f32) return float{};
    if constexpr (type == ValueType::f64) return double{};
    if constexpr (type == ValueType::v128) return V128{};
}
/// The C++ type of a number or vector.
template <ValueType type>
using Number = decltype(number_of<type>());

template <Opcode opcode, std::size_t... index>
consteval bool has_meaning(std::index_sequence<index...>) {
    constexpr const Signature& signature = info_of(opcode).signature;
    using Result = Number<*signature.result>;
    constexpr bool can_trap = info_of(opcode).interrupt == Interrupt::trap;
    using Wanted = std::conditional_t<can_trap, Outcome<Result>, Result>;
    if constexpr (takes_lane(opcode)) {
        using Evaluated =
            decltype(Meaning<opcode>::eval(Number<signature.operands[index]>{}..., 0U));
        return std::same_as<Evaluated, Wanted>;
    } else {
        using Evaluated = decltype(Meaning<opcode>::eval(Number<signature.operands[index]>{}...));
        return std::same_as<Evaluated, Wanted>;
    }
}

template <Opcode opcode>
consteval bool has_memory_meaning() {
    constexpr const Signature& signature = info_of(opcode).signature;
    using Access = MemoryMeaning<opcode>;
    if constexpr (Access::kIsLoad) {
        return std::same_as<typename Access::Value, Number<*signature.result>>;
    } else {
        return std::same_as<typename Access::Value, Number<signature.operands[1]>>;
    }
}

template <Opcode opcode>
consteval bool is_complete() {
    if constexpr (is_plain(opcode)) {
        return has_meaning<opcode>(
            std::make_index_sequence<info_of(opcode).signature.operand_count>());
    } else if constexpr (is_memory_access(opcode)) {
        return has_memory_meaning<opcode>();
    } else {
        return true;
    }
}

#define OPCODE(name, ...) \
    static_assert(is_complete<Opcode::name>(), #name " means what its types say");
#include "vm/wasm/opcodes.def"
#undef OPCODE

template <Opcode opcode>
consteval std::uint8_t access_bytes_of() {
    if constexpr (is_memory_access(opcode)) {
        return sizeof(typename MemoryMeaning<opcode>::Memory);
    } else if constexpr (vector_access_of(opcode)) {
        return access_bytes_of<vector_access_of(opcode)->access>();
    } else {
        return 0;
    }
}
template <Opcode opcode>
consteval std::uint8_t lane_count_of() {
    if constexpr (takes_lane(opcode)) {
        return Meaning<opcode>::kLanes;
    } else if constexpr (vector_access_of(opcode)) {
        return lane_count_of<vector_access_of(opcode)->on_vector>();
    } else {
        return 0;
    }
}
inline constexpr std::array<std::uint8_t, kOpcodeCount> kAccessBytes{
#define OPCODE(name, ...) access_bytes_of<Opcode::name>(),
#include "vm/wasm/opcodes.def"
#undef OPCODE
};
inline constexpr std::array<std::uint8_t, kOpcodeCount> kLaneCounts{
#define OPCODE(name, ...) lane_count_of<Opcode::name>(),
#include "vm/wasm/opcodes.def"
#undef OPCODE
};

}  // namespace internal

/// How many bytes of memory a load or store touches; 0 for everything else.
constexpr std::uint8_t access_bytes(Opcode opcode) {
    return internal::kAccessBytes[static_cast<std::size_t>(opcode)];
}

/// How many lanes there are for an instruction that names one; 0 for everything else.
constexpr std::uint8_t lane_count(Opcode opcode) {
    return internal::kLaneCounts[static_cast<std::size_t>(opcode)];
}

}  // namespace sojourn::vm
