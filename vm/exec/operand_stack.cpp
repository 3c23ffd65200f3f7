#include "vm/exec/operand_stack.hpp"

#include <algorithm>

namespace sojourn::vm {

std::uint16_t OperandStack::push_slot() {
    if (settled_ == height()) ++settled_;
    operands_.push_back({});
    return slot_at(height() - 1);
}

void OperandStack::push_local(std::uint16_t local) {
    operands_.push_back({Operand::Kind::local, local, 0});
    ++pending_[local];
}

void OperandStack::push_constant(std::uint64_t bits) {
    operands_.push_back({Operand::Kind::constant, 0, bits});
}

TakenOperand OperandStack::pop() {
    const TakenOperand taken{operands_.back(), slot_at(height() - 1)};
    forget(operands_.back());
    operands_.pop_back();
    settled_ = std::min(settled_, height());
    return taken;
}

std::uint16_t OperandStack::pop_slot() {
    return slot_of(pop());
}

std::uint16_t OperandStack::slot_of(const TakenOperand& taken) {
    if (taken.operand.kind == Operand::Kind::local) return taken.operand.local;
    if (taken.is_constant()) emit_move(taken.own_slot, taken);
    return taken.own_slot;
}

void OperandStack::pop_many(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
        pop();
}

void OperandStack::push_slots(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
        push_slot();
}

void OperandStack::reset(std::uint32_t height) {
    pop_many(this->height() - std::min(this->height(), settled_));
    operands_.resize(height);
    settled_ = height;
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
    // Upwards: an operand only ever moves down, so none is overwritten before it has moved.
    const std::uint32_t first = this->height() - count;
    for (std::uint32_t i = 0; i < count; ++i) {
        emit_move(slot_at(height + i), {operands_[first + i], slot_at(first + i)});
    }
}

void OperandStack::emit_move(std::uint16_t to, const TakenOperand& taken) {
    const std::uint64_t bits = taken.operand.constant;
    switch (taken.operand.kind) {
        case Operand::Kind::slot:
            if (taken.own_slot != to) code_.emit_move(to, taken.own_slot);
            break;
        case Operand::Kind::local:
            if (taken.operand.local != to) {
                code_.emit_move(to, taken.operand.local);
            }
            break;
        case Operand::Kind::constant:
            if (bits <= UINT32_MAX) {
                code_.emit_result(Handler::constant_32, to, 0, static_cast<std::uint32_t>(bits));
            } else {
                code_.emit_result(Handler::constant_64, to);
                code_.extend(bits);
            }
            break;
    }
}

void OperandStack::settle_at(std::uint32_t height) {
    Operand& operand = operands_[height];
    emit_move(slot_at(height), {operand, slot_at(height)});
    forget(operand);
    operand = {};
}

void OperandStack::forget(const Operand& operand) {
    if (operand.kind == Operand::Kind::local) --pending_[operand.local];
}

}  // namespace sojourn::vm
