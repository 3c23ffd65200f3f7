#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vm/exec/code_builder.hpp"
#include "vm/wasm/value_type.hpp"

namespace sojourn::vm {

constexpr std::uint32_t count_of(std::span<const ValueType> types) {
    return static_cast<std::uint32_t>(types.size());
}

/// An operand while a function is translated: in its own slot, or still somewhere else because
/// nobody has needed it there. A v128 is one operand, of two slots.
struct Operand {
    enum class Kind : std::uint8_t { slot, local, constant };
    Kind kind = Kind::slot;
    std::uint8_t width = 1;      ///< in slots
    std::uint16_t own_slot = 0;  ///< the first one, by what lies below it
    std::uint16_t local = 0;     ///< the local's first slot
    std::uint64_t constant = 0;  ///< of width 1

    [[nodiscard]] bool is_constant() const { return kind == Kind::constant; }
};

/// The operand stack while a function is translated. Emits the moves that put operands where they
/// belong: an operand's own slot follows those of the locals and of the operands below it. Heights
/// and counts are in operands. Borrows the builder.
class OperandStack {
public:
    OperandStack(CodeBuilder& code, std::uint32_t local_slots)
        : code_(code), local_slots_(local_slots), pending_(local_slots) {}

    [[nodiscard]] std::uint32_t height() const {
        return static_cast<std::uint32_t>(operands_.size());
    }
    /// Of the next operand to be pushed.
    [[nodiscard]] std::uint16_t next_slot() const {
        return static_cast<std::uint16_t>(slot_count());
    }
    /// Of the operand that has `height` operands below it.
    [[nodiscard]] std::uint16_t slot_at(std::uint32_t height) const {
        return height == operands_.size() ? next_slot() : operands_[height].own_slot;
    }
    /// Of locals and operands.
    [[nodiscard]] std::uint32_t slot_count() const {
        if (operands_.empty()) return local_slots_;
        return std::uint32_t{operands_.back().own_slot} + operands_.back().width;
    }

    /// An operand that is, or will be, in its own slot.
    std::uint16_t push_slot(std::uint32_t width = 1);
    /// The local whose first slot is `local`.
    void push_local(std::uint16_t local, std::uint32_t width);
    void push_constant(std::uint64_t bits);

    Operand pop();
    /// Pops and gives the slot that holds the value: a local's, or its own.
    std::uint16_t pop_slot();
    /// The slot that holds the value of a popped operand; a constant is put into its own slot.
    std::uint16_t slot_of(const Operand& popped);
    void pop_many(std::uint32_t count);
    void push_slots(std::span<const ValueType> types);

    /// Cuts the stack to `height` and pushes values of `types`, every operand in its own slot.
    /// Requires: those below `height` are.
    void reset(std::uint32_t height, std::span<const ValueType> types);

    /// Puts operands into their own slots: all; the top `count`; those that stand for a local.
    void settle();
    void settle_top(std::uint32_t count);
    void settle_local(std::uint16_t local);

    /// Copies the top `count` operands to their places as if the stack were `height` high below
    /// them. The stack itself stays as it is. Requires: prepare_to_carry(count), on every way here.
    void carry(std::uint32_t count, std::uint32_t height);
    /// Settles many operands, so that one operation carries them: two bytes of a module must not
    /// become thousands of operations.
    void prepare_to_carry(std::uint32_t count) {
        if (count > kCarriedOneByOneMax) settle_top(count);
    }

    /// Emits slot `to` := operand.
    void emit_move(std::uint16_t to, const Operand& operand);

private:
    static constexpr std::uint32_t kCarriedOneByOneMax = 8;

    void push(Operand operand);
    void settle_at(std::uint32_t height);
    void forget(const Operand& operand);

    CodeBuilder& code_;
    std::uint32_t local_slots_;
    std::vector<Operand> operands_;
    std::vector<std::uint32_t> pending_;  ///< by a local's first slot: how many stand for it
    std::uint32_t settled_ = 0;           ///< every operand below this height is in its own slot
};

}  // namespace sojourn::vm
