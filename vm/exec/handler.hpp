#pragma once

#include <array>
#include <cstdint>

#include "vm/wasm/meaning.hpp"

/// The interpreter's own instruction set: plain instructions, loads and stores in several forms,
/// and the rows of vm/exec/handlers.def.
namespace sojourn::vm {

/// How the operands of an instruction of vm/wasm/opcodes.def are given.
///
///   slots           a := operation(b, c); a load: a := [b + immediate]; a store: [a + immediate]
///   := b constant        a := operation(b, immediate), sign-extended branch_if       to the
///   displacement `immediate` when comparison(a, b) branch_unless   the same when it does not hold
///   ..._constant    two words: comparison(a, first)
///   absolute        a load or store whose address is `immediate`
enum class Form : std::uint16_t {
    slots,
    constant,
    branch_if,
    branch_unless,
    branch_if_constant,
    branch_unless_constant,
    absolute,
};
inline constexpr std::size_t kFormCount = 7;

/// Indexes the interpreter's table of handlers.
enum class Handler : std::uint16_t {
    last_of_opcodes = static_cast<std::uint16_t>(kOpcodeCount * kFormCount - 1),
#define HANDLER(name, words) name,
#include "vm/exec/handlers.def"
#undef HANDLER
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

/// A plain instruction that compares two numbers, so that a branch can swallow it.
constexpr bool is_comparison(Opcode opcode) {
    const Signature& signature = info_of(opcode).signature;
    return is_plain(opcode) && signature.operand_count == 2 && signature.result == ValueType::i32 &&
           opcode >= Opcode::i32_eqz && opcode <= Opcode::f64_ge;
}

constexpr bool has_form(Opcode opcode, Form form) {
    switch (form) {
        case Form::slots:
            return is_plain(opcode) || is_memory_access(opcode);
        case Form::constant:
            return is_integer_binary(opcode);
        case Form::branch_if:
        case Form::branch_unless:
            return is_comparison(opcode);
        case Form::branch_if_constant:
        case Form::branch_unless_constant:
            return is_comparison(opcode) && is_integer_binary(opcode);
        case Form::absolute:
            return is_memory_access(opcode);
    }
    return false;
}

/// The interpreter's labels, by Handler.
using HandlerTable = std::array<const void*, kHandlerCount>;

}  // namespace sojourn::vm
