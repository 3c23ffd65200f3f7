#include "vm/jit/function_emitter.hpp"

/// The operand stack, and what of it and of the locals is in the frame.
namespace sojourn::vm::jit {

namespace {

/// Variables of operands are told apart by these: references are words.
std::size_t kind_of(ValueType type) {
    switch (type) {
        case ValueType::i32:
            return 0;
        case ValueType::f32:
            return 1;
        case ValueType::f64:
            return 2;
        case ValueType::v128:
            return 3;
        default:
            return 4;
    }
}

}  // namespace

void FunctionEmitter::push(ValueType type, llvm::Value* value) {
    in_frame_[mark_of(height())] = false;
    operands_.push_back({type, slot_count(height()), value});
}

std::uint32_t FunctionEmitter::slot_count(std::uint32_t operand_count) const {
    if (operand_count == 0) return unit_.function.local_slots;
    const Operand& last = operands_[operand_count - 1];
    return last.slot + slots_of(last.type);
}

llvm::Value* FunctionEmitter::value_of(std::uint32_t height) {
    const auto& [type, slot, value] = operands_[height];
    return value != nullptr ? value : ir_.CreateLoad(ir_.type_of(type), variable(height, type));
}

llvm::Value* FunctionEmitter::peek() {
    return value_of(height() - 1);
}

llvm::Value* FunctionEmitter::pop() {
    llvm::Value* const value = peek();
    operands_.pop_back();
    return value;
}

void FunctionEmitter::drop_to(std::uint32_t height) {
    operands_.erase(operands_.begin() + height, operands_.end());
}

void FunctionEmitter::settle() {
    for (std::uint32_t at = 0; at < height(); ++at) {
        auto& [type, slot, value] = operands_[at];
        if (value != nullptr) ir_.CreateStore(value, variable(at, type));
        value = nullptr;
    }
}

void FunctionEmitter::push_from_variables(std::span<const ValueType> types) {
    for (const ValueType type : types)
        push(type, nullptr);
}

llvm::AllocaInst* FunctionEmitter::variable(std::uint32_t height, ValueType type) {
    if (height >= variables_.size()) variables_.resize(height + 1);
    llvm::AllocaInst*& found = variables_[height][kind_of(type)];
    if (found == nullptr) found = new_variable(ir_.type_of(type));
    return found;
}

llvm::AllocaInst* FunctionEmitter::new_variable(llvm::Type* type) {
    llvm::BasicBlock& entry = made_->getEntryBlock();
    return llvm::IRBuilder<>(&entry, entry.begin()).CreateAlloca(type);
}

void FunctionEmitter::write_frame(std::uint32_t operand_count) {
    if (caller_ != nullptr) caller_->write_frame_of_caller(in_frame_);
    write_frame(operand_count, in_frame_);
}

void FunctionEmitter::write_frame_of_caller(const std::vector<bool>& in_frame) {
    if (caller_ != nullptr) caller_->write_frame_of_caller(in_frame);
    write_frame(height(), in_frame);
    if (!in_frame[mark_of_position()]) write_position(height());
}

void FunctionEmitter::write_frame(std::uint32_t operand_count, const std::vector<bool>& in_frame) {
    if (!in_frame[mark_of_identity()]) write_identity();
    std::uint32_t slot = 0;
    for (std::uint32_t i = 0; i < local_count(); ++i) {
        if (!in_frame[mark_of_local(i)]) {
            ir_.store_slot(ir_.CreateLoad(locals_[i]->getAllocatedType(), locals_[i]), slots_, slot,
                           Space::frame);
        }
        slot += slots_of(survey_.locals[i]);
    }
    for (std::uint32_t i = 0; i < operand_count; ++i) {
        if (!in_frame[mark_of(i)])
            ir_.store_slot(value_of(i), slots_, operands_[i].slot, Space::frame);
    }
}

void FunctionEmitter::note_written(std::uint32_t operand_count) {
    std::fill_n(in_frame_.begin(), mark_of(operand_count), true);
    in_frame_[mark_of_identity()] = true;
}

void FunctionEmitter::write_identity() {
    llvm::Value* const instance = ir_.context_word(context_, ContextLayout::kInstance);
    const FrameIdentity identity{0, unit_.function_index};
    llvm::Value* const both =
        ir_.CreateOr(instance, ir_.word(std::bit_cast<std::uint64_t>(identity)));
    ir_.store(both, ir_.at(frame_, offsetof(FrameState, instance)), Space::frame);
}

void FunctionEmitter::write_position(std::uint32_t operand_count) {
    ir_.store(ir_.word(pack({code_offset_, slot_count(operand_count)})),
              ir_.at(frame_, offsetof(FrameState, code_offset)), Space::frame);
}

}  // namespace sojourn::vm::jit
