#include "vm/exec/operand_stack.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace sojourn::vm {

void OperandStack::push(Operand operand) {
    operand.own_slot = next_slot();
    operands_.push_back(operand);
}

std::uint16_t OperandStack::push_slot(std::uint32_t width) {
    if (settled_ == height()) ++settled_;
    push({.width = static_cast<std::uint8_t>(width)});
    return operands_.back().own_slot;
}

void OperandStack::push_local(std::uint16_t local, std::uint32_t width) {
    push({.kind = Operand::Kind::local, .width = static_cast<std::uint8_t>(width), .local = local});
    ++pending_[local];
}

void OperandStack::push_constant(std::uint64_t bits) {
    push({.kind = Operand::Kind::constant, .constant = bits});
}

Operand OperandStack::pop() {
    const Operand popped = operands_.back();
    forget(popped);
    operands_.pop_back();
    settled_ = std::min(settled_, height());
    return popped;
}

std::uint16_t OperandStack::pop_slot() {
    return slot_of(pop());
}

std::uint16_t OperandStack::slot_of(const Operand& popped) {
    if (popped.kind == Operand::Kind::local) return popped.local;
    if (popped.is_constant()) emit_move(popped.own_slot, popped);
    return popped.own_slot;
}

void OperandStack::pop_many(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
        pop();
}

void OperandStack::push_slots(std::span<const ValueType> types) {
    for (const ValueType type : types)
        push_slot(slots_of(type));
}

void OperandStack::reset(std::uint32_t height, std::span<const ValueType> types) {
    pop_many(this->height() - height);
    INVARIANT(settled_ == height, "what lies below a block is settled when it is entered");
    push_slots(types);
}

void OperandStack::settle() {
    for (std::uint32_t at = settled_; at < height(); ++at)
        settle_at(at);
    settled_ = height();
}

void OperandStack::settle_top(std::uint32_t count) {
    const std::uint32_t first = height() - count;
    for (std::uint32_t at = std::max(first, settled_); at < height(); ++at)
        settle_at(at);
    if (settled_ >= first) settled_ = height();
}

void OperandStack::settle_local(std::uint16_t local) {
    for (std::uint32_t at = height(); pending_[local] > 0; --at) {
        const Operand& operand = operands_[at - 1];
        if (operand.kind == Operand::Kind::local && operand.local == local) settle_at(at - 1);
    }
}

void OperandStack::carry(std::uint32_t count, std::uint32_t height) {
    std::uint16_t to = slot_at(height);
    if (count > kCarriedOneByOneMax) {
        const std::uint16_t from = slot_at(this->height() - count);
        if (from != to) code_.emit(Handler::move_slots, to, from, slot_count() - from);
        return;
    }
    // Upwards: an operand only ever moves down, so none is overwritten before it has moved.
    for (std::uint32_t at = this->height() - count; at < this->height(); ++at) {
        emit_move(to, operands_[at]);
        to = static_cast<std::uint16_t>(to + operands_[at].width);
    }
}

void OperandStack::emit_move(std::uint16_t to, const Operand& operand) {
    const std::uint64_t bits = operand.constant;
    if (operand.is_constant() && bits <= UINT32_MAX) {
        code_.emit_result(Handler::constant_32, to, 0, static_cast<std::uint32_t>(bits));
    } else if (operand.is_constant()) {
        code_.emit_result(Handler::constant_64, to);
        code_.extend(bits);
    } else {
        const bool is_local = operand.kind == Operand::Kind::local;
        const std::uint16_t from = is_local ? operand.local : operand.own_slot;
        if (from != to) code_.emit_move(to, from, operand.width);
    }
}

void OperandStack::settle_at(std::uint32_t height) {
    Operand& operand = operands_[height];
    emit_move(operand.own_slot, operand);
    forget(operand);
    operand = {.width = operand.width, .own_slot = operand.own_slot};
}

void OperandStack::forget(const Operand& operand) {
    if (operand.kind == Operand::Kind::local) --pending_[operand.local];
}

}  // namespace sojourn::vm
