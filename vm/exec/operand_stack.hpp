#pragma once

#include <cstdint>
#include <vector>

#include "vm/exec/code_builder.hpp"

namespace sojourn::vm {

/// An operand while a function is translated: in its own slot, or still somewhere else because
/// nobody has needed it there.
struct Operand {
    enum class Kind : std::uint8_t { slot, local, constant };
    Kind kind = Kind::slot;
    std::uint16_t local = 0;
    std::uint64_t constant = 0;
};

/// An operand taken from the stack, with the slot that is its own by height.
struct TakenOperand {
    Operand operand;
    std::uint16_t own_slot;

    [[nodiscard]] bool is_constant() const { return operand.kind == Operand::Kind::constant; }
};

/// The operand stack while a function is translated. Emits the moves that put operands where they
/// belong: an operand's own slot is `local_count` plus its height. Borrows the builder.
class OperandStack {
public:
    OperandStack(CodeBuilder& code, std::uint32_t local_count)
        : code_(code), local_count_(local_count), pending_(local_count) {}

    [[nodiscard]] std::uint32_t height() const {
        return static_cast<std::uint32_t>(operands_.size());
    }
    /// Of the next operand to be pushed.
    [[nodiscard]] std::uint16_t next_slot() const { return slot_at(height()); }
    [[nodiscard]] std::uint16_t slot_at(std::uint32_t height) const {
        return static_cast<std::uint16_t>(local_count_ + height);
    }
    /// Locals and operands.
    [[nodiscard]] std::uint32_t slot_count() const { return local_count_ + height(); }

    /// An operand that is, or will be, in its own slot.
    std::uint16_t push_slot();
    void push_local(std::uint16_t local);
    void push_constant(std::uint64_t bits);

    TakenOperand pop();
    /// Pops and gives the slot that holds the value: a local's, or its own.
    std::uint16_t pop_slot();
    /// The slot that holds the value of a popped operand; a constant is put into its own slot.
    std::uint16_t slot_of(const TakenOperand& taken);
    void pop_many(std::uint32_t count);
    void push_slots(std::uint32_t count);

    /// Makes the height `height` with every operand in its own slot.
    void reset(std::uint32_t height);

    /// Puts operands into their own slots: all; the top `count`; those that stand for a local.
    void settle();
    void settle_top(std::uint32_t count);
    void settle_local(std::uint16_t local);

    /// Copies the top `count` operands to their places as if the stack were `height` high below
    /// them. The stack itself stays as it is.
    void carry(std::uint32_t count, std::uint32_t height);

    /// Emits slot `to` := operand.
    void emit_move(std::uint16_t to, const TakenOperand& taken);

private:
    void settle_at(std::uint32_t height);
    void forget(const Operand& operand);

    CodeBuilder& code_;
    std::uint32_t local_count_;
    std::vector<Operand> operands_;
    std::vector<std::uint32_t> pending_;  ///< by local: how many operands stand for it
    std::uint32_t settled_ = 0;           ///< every operand below this height is in its own slot
};

}  // namespace sojourn::vm
