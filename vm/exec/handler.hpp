#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "vm/wasm/meaning.hpp"

/// The interpreter's own instruction set: plain instructions, loads and stores in several forms,
/// the rows of vm/exec/handlers.def and the pairs of vm/exec/pairs.def.
namespace sojourn::vm {

/// How the operands of an instruction of vm/wasm/opcodes.def are given to its handler.
enum class Form : std::uint16_t {
    slots,                   ///< a := f(b, c); a := [b + immediate]; [a + immediate] := b
    constant,                ///< a := f(b, immediate), sign-extended
    branch_if,               ///< to the displacement `immediate` when f(a, b) is not zero
    branch_unless,           ///< the same when it is zero
    branch_if_constant,      ///< two words: as branch_if, of f(a, first)
    branch_unless_constant,  ///< two words: as branch_unless, of f(a, first)
    absolute,                ///< a := [immediate]; [immediate] := b
    indexed,                 ///< a := [i32.add(b, c) + d]; [i32.add(a, c) + d] := b
    displaced,               ///< a := [i32.add(b, immediate)]; [i32.add(a, immediate)] := b
    scaled,                  ///< a := [i32.add(i32.shl(b, c), d)]; [i32.add(i32.shl(a, c), d)] := b
    wide,                    ///< as slots, of a 64-bit memory
    wide_far,                ///< two words: as wide, with `first` instead of the immediate
    wide_indexed,            ///< as indexed, of a 64-bit memory, with i64.add
    result,                  ///< returns f(b, c)
    constant_result,         ///< returns f(b, immediate)
};
inline constexpr std::size_t kFormCount = 15;

/// Indexes the interpreter's table of handlers.
enum class Handler : std::uint16_t {
    last_of_opcodes = static_cast<std::uint16_t>(kOpcodeCount * kFormCount - 1),
#define HANDLER(name, words) name,
#include "vm/exec/handlers.def"
#undef HANDLER
#define PAIR(first, first_form, second, second_form) \
    first##_##first_form##_##second##_##second_form,
#include "vm/exec/pairs.def"
#undef PAIR
    count,
};
inline constexpr std::size_t kHandlerCount = static_cast<std::size_t>(Handler::count);

constexpr Handler handler_of(Opcode opcode, Form form) {
    return static_cast<Handler>(static_cast<std::size_t>(opcode) * kFormCount +
                                static_cast<std::size_t>(form));
}

/// Requires: `handler` is not a row of vm/exec/handlers.def.
constexpr Opcode opcode_of(Handler handler) {
    return static_cast<Opcode>(static_cast<std::size_t>(handler) / kFormCount);
}
constexpr Form form_of(Handler handler) {
    return static_cast<Form>(static_cast<std::size_t>(handler) % kFormCount);
}

/// A plain instruction with two operands of one integer type.
constexpr bool is_integer_binary(Opcode opcode) {
    const Signature& signature = info_of(opcode).signature;
    return is_plain(opcode) && signature.operand_count == 2 &&
           (signature.operands[0] == ValueType::i32 || signature.operands[0] == ValueType::i64);
}

/// A plain instruction with two operands that a branch can swallow: a comparison or a test of bits.
constexpr bool is_condition(Opcode opcode) {
    const bool is_comparison = opcode >= Opcode::i32_eqz && opcode <= Opcode::f64_ge;
    return info_of(opcode).signature.operand_count == 2 &&
           (is_comparison || opcode == Opcode::i32_and);
}

constexpr bool has_form(Opcode opcode, Form form) {
    switch (form) {
        case Form::slots:
            return (is_plain(opcode) && !is_on_vectors(opcode)) || is_memory_access(opcode);
        case Form::constant:
            return is_integer_binary(opcode);
        case Form::branch_if:
        case Form::branch_unless:
            return is_condition(opcode);
        case Form::branch_if_constant:
        case Form::branch_unless_constant:
            return is_condition(opcode) && is_integer_binary(opcode);
        case Form::absolute:
        case Form::indexed:
        case Form::displaced:
        case Form::scaled:
        case Form::wide:
        case Form::wide_far:
        case Form::wide_indexed:
            return is_memory_access(opcode);
        case Form::result:
        case Form::constant_result:
            return is_integer_binary(opcode) && info_of(opcode).interrupt == Interrupt::never;
    }
    return false;
}

/// The handler of two plain instructions in one, when there is one.
constexpr std::optional<Handler> find_pair(Opcode first, Form first_form, Opcode second,
                                           Form second_form) {
    struct Row {
        Opcode first;
        Form first_form;
        Opcode second;
        Form second_form;
        Handler handler;
    };
    constexpr std::array kRows{
#define PAIR(first, first_form, second, second_form)                        \
    Row{Opcode::first, Form::first_form, Opcode::second, Form::second_form, \
        Handler::first##_##first_form##_##second##_##second_form},
#include "vm/exec/pairs.def"
#undef PAIR
    };
    for (const Row& row : kRows) {
        if (row.first == first && row.first_form == first_form && row.second == second &&
            row.second_form == second_form) {
            return row.handler;
        }
    }
    return std::nullopt;
}

/// The interpreter's labels, by Handler.
using HandlerTable = std::array<const void*, kHandlerCount>;

}  // namespace sojourn::vm
