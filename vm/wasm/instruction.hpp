#pragma once

#include <span>

#include "vm/wasm/module.hpp"
#include "vm/wasm/opcode.hpp"

namespace sojourn::vm {

/// What a block, loop or if takes and leaves on the operand stack.
class BlockType {
public:
    constexpr BlockType() = default;

    static constexpr BlockType of_value(ValueType type) {
        BlockType block;
        block.kind_ = Kind::value;
        block.value_ = type;
        return block;
    }
    static constexpr BlockType of_function_type(std::uint32_t type_index) {
        BlockType block;
        block.kind_ = Kind::function_type;
        block.type_index_ = type_index;
        return block;
    }

    /// Good as long as the module's types.
    [[nodiscard]] std::span<const ValueType> parameters(const Module& module) const {
        if (kind_ != Kind::function_type) return {};
        return module.function_type(type_index_).parameters;
    }
    /// Good as long as this block type and the module's types.
    [[nodiscard]] std::span<const ValueType> results(const Module& module) const {
        switch (kind_) {
            case Kind::empty:
                return {};
            case Kind::value:
                return {&value_, 1};
            case Kind::function_type:
                break;
        }
        return module.function_type(type_index_).results;
    }

    /// nullopt when it is not given by a function type.
    [[nodiscard]] std::optional<std::uint32_t> type_index() const {
        if (kind_ != Kind::function_type) return std::nullopt;
        return type_index_;
    }

private:
    enum class Kind : std::uint8_t { empty, value, function_type };

    Kind kind_ = Kind::empty;
    ValueType value_ = ValueType::i32;
    std::uint32_t type_index_ = 0;
};

/// A clause of try_table.
struct Catch {
    std::optional<std::uint32_t> tag;  ///< nullopt: every exception
    bool wants_reference = false;      ///< gives the exception itself, behind its values
    std::uint32_t label = 0;           ///< counted from outside of the try_table
};

/// One instruction of a body. Only the fields that its Immediate names have a meaning.
struct Instruction {
    Opcode opcode = Opcode::nop;
    std::uint32_t offset = 0;      ///< of its first byte, from the module's first byte
    std::uint32_t end_offset = 0;  ///< one past its last byte

    BlockType block;
    /// A label, tag, function, local, global, table, data or element index; the type of
    /// call_indirect; the memory or table that a copy writes to; the memory of a load or store.
    std::uint32_t index = 0;
    /// The table of call_indirect; the memory or table that an init writes to or a copy reads from.
    std::uint32_t second_index = 0;
    std::uint32_t alignment_log2 = 0;
    std::uint64_t memory_offset = 0;
    std::uint64_t constant = 0;  ///< as a slot: the high half of an i32 or f32 is zero
    V128 vector{};               ///< of v128.const; the lanes that i8x16.shuffle takes
    std::uint8_t lane = 0;
    std::span<const ValueType> types;       ///< of a typed select
    ValueType type = ValueType::funcref;    ///< of a null
    std::span<const std::uint32_t> labels;  ///< of br_table, its default last
    std::span<const Catch> catches;         ///< of try_table
};

}  // namespace sojourn::vm
