#pragma once

#include <bit>
#include <cstring>

#include "vm/exec/handler.hpp"
#include "vm/exec/word.hpp"

/// What the handlers of plain instructions, loads and stores do, made from their meanings.
namespace sojourn::vm {

/// The value in the slot, or from the slot on.
template <typename Value>
[[gnu::always_inline]] inline Value read_slots(const std::uint64_t* slot) {
    if constexpr (sizeof(Value) == 4) {
        return std::bit_cast<Value>(static_cast<std::uint32_t>(*slot));
    } else {
        Value value;
        std::memcpy(&value, slot, sizeof value);
        return value;
    }
}

template <typename Value>
[[gnu::always_inline]] inline void write_slots(std::uint64_t* slot, Value value) {
    if constexpr (sizeof(Value) == 4) {
        *slot = std::bit_cast<std::uint32_t>(value);
    } else {
        std::memcpy(slot, &value, sizeof value);
    }
}

template <Opcode opcode, std::size_t index>
using OperandOf = internal::Number<info_of(opcode).signature.operands[index]>;

template <Opcode opcode, Form form>
[[gnu::always_inline]] inline auto evaluate(const Operation& op, const std::uint64_t* slots) {
    const auto first = read_slots<OperandOf<opcode, 0>>(slots + op.b);
    if constexpr (info_of(opcode).signature.operand_count == 1) {
        return Meaning<opcode>::eval(first);
    } else if constexpr (form == Form::constant) {
        const auto constant = static_cast<std::int32_t>(op.immediate);
        return Meaning<opcode>::eval(first, OperandOf<opcode, 1>{constant});
    } else {
        return Meaning<opcode>::eval(first, read_slots<OperandOf<opcode, 1>>(slots + op.c()));
    }
}

/// Puts the result of a plain instruction where the caller finds that of the function.
template <Opcode opcode, Form form>
[[gnu::always_inline]] inline void give(const Operation& op, std::uint64_t* slots) {
    if constexpr (has_form(opcode, form)) {
        constexpr Form kOperands = form == Form::result ? Form::slots : Form::constant;
        write_slots(slots, evaluate<opcode, kOperands>(op, slots));
    }
}

/// The right operand of one of a pair: a slot's, or the number itself.
template <Opcode opcode, Form form>
[[gnu::always_inline]] inline auto right_of_pair(std::uint16_t number, const std::uint64_t* slots) {
    using Value = OperandOf<opcode, 1>;
    if constexpr (form == Form::constant)
        return Value{number};
    else
        return read_slots<Value>(slots + number);
}

/// As vm/exec/pairs.def says.
template <Opcode first, Form first_form, Opcode second, Form second_form>
[[gnu::always_inline]] inline void perform_pair(const Operation& op, std::uint64_t* slots) {
    const auto inner = Meaning<first>::eval(read_slots<OperandOf<first, 0>>(slots + op.b),
                                            right_of_pair<first, first_form>(op.c(), slots));
    write_slots(slots + op.a,
                Meaning<second>::eval(inner, right_of_pair<second, second_form>(op.d(), slots)));
}

/// Beyond every memory, yet low enough that an offset and the width of an access can be added.
inline constexpr std::uint64_t kNowhere = std::uint64_t{1} << 62U;

constexpr std::uint64_t add_offset(std::uint64_t address, std::uint64_t offset) {
    return address >= kNowhere || offset >= kNowhere ? kNowhere : address + offset;
}
static_assert(add_offset(UINT64_MAX, 1) >= kNowhere);
static_assert(add_offset(kNowhere - 1, kNowhere - 1) <= UINT64_MAX - sizeof(V128));

/// Where a load or store goes to; its width can be added without overflow.
template <Form form>
[[gnu::always_inline]] inline std::uint64_t address_of(const Word* pc, const std::uint64_t* slots,
                                                       std::uint16_t base) {
    const Operation& op = pc->op;
    if constexpr (form == Form::wide) return add_offset(slots[base], op.immediate);
    if constexpr (form == Form::wide_far) return add_offset(slots[base], pc[1].more.first);
    if constexpr (form == Form::wide_indexed) {
        return add_offset(slots[base] + slots[op.c()], op.d());
    }
    const auto first = static_cast<std::uint32_t>(slots[base]);
    if constexpr (form == Form::absolute) return op.immediate;
    if constexpr (form == Form::displaced) return std::uint32_t{first + op.immediate};
    if constexpr (form == Form::scaled) {
        const auto displacement = static_cast<std::uint32_t>(slots[op.d()]);
        return std::uint32_t{(first << (op.c() % 32U)) + displacement};
    }
    if constexpr (form == Form::slots) return std::uint64_t{first} + op.immediate;
    const auto second = static_cast<std::uint32_t>(slots[op.c()]);
    return std::uint64_t{first + second} + op.d();
}

template <Opcode opcode, Form form>
[[gnu::always_inline]] inline bool access(const Word* pc, std::uint64_t* slots, std::byte* memory,
                                          std::uint64_t memory_bytes) {
    using Meaning = MemoryMeaning<opcode>;
    using Memory = typename Meaning::Memory;
    const Operation& op = pc->op;
    const std::uint64_t address = address_of<form>(pc, slots, Meaning::kIsLoad ? op.b : op.a);
    if (address + sizeof(Memory) > memory_bytes) [[unlikely]]
        return false;
    if constexpr (Meaning::kIsLoad) {
        Memory value;
        std::memcpy(&value, memory + address, sizeof value);
        write_slots(slots + op.a, Meaning::eval(value));
    } else {
        const Memory value = Meaning::eval(read_slots<typename Meaning::Value>(slots + op.b));
        std::memcpy(memory + address, &value, sizeof value);
    }
    return true;
}

/// Performs one operation; false when it trapped, and `trap` says how.
template <Opcode opcode, Form form>
[[gnu::always_inline]] inline bool perform(const Word* pc, std::uint64_t* slots, std::byte* memory,
                                           std::uint64_t memory_bytes, Trap& trap) {
    [[maybe_unused]] const Operation& op = pc->op;
    if constexpr (!has_form(opcode, form)) {
        return true;
    } else if constexpr (is_memory_access(opcode)) {
        if (access<opcode, form>(pc, slots, memory, memory_bytes)) [[likely]]
            return true;
        trap = Trap::out_of_bounds_memory;
        return false;
    } else if constexpr (info_of(opcode).interrupt == Interrupt::trap) {
        const auto outcome = evaluate<opcode, form>(op, slots);
        if (!outcome.ok()) [[unlikely]] {
            trap = outcome.trap();
            return false;
        }
        write_slots(slots + op.a, outcome.value());
        return true;
    } else {
        write_slots(slots + op.a, evaluate<opcode, form>(op, slots));
        return true;
    }
}

/// Whether a branch that has swallowed its condition is taken.
template <Opcode opcode, Form form>
[[gnu::always_inline]] inline bool branches(const Word* pc, const std::uint64_t* slots) {
    if constexpr (!has_form(opcode, form)) {
        return false;
    } else {
        constexpr bool is_constant =
            form == Form::branch_if_constant || form == Form::branch_unless_constant;
        constexpr bool is_negated =
            form == Form::branch_unless || form == Form::branch_unless_constant;
        const std::uint64_t* const right = is_constant ? &pc[1].more.first : slots + pc->op.b;
        const bool holds = Meaning<opcode>::eval(read_slots<OperandOf<opcode, 0>>(slots + pc->op.a),
                                                 read_slots<OperandOf<opcode, 1>>(right)) != 0;
        return holds != is_negated;
    }
}

}  // namespace sojourn::vm
