#pragma once

#include <optional>

#include "vm/exec/instance.hpp"

/// The instructions that work on many bytes or elements at once. Each checks its whole range before
/// it writes anything.
namespace sojourn::vm {

/// What table.grow and memory.grow answer when they are refused: -1.
constexpr std::uint64_t grow_refused(ValueType address) {
    return address == ValueType::i64 ? UINT64_MAX : UINT32_MAX;
}

/// The size before, or that it was refused: by the declared limits alone.
std::uint64_t grow(LinearMemory& memory, std::uint64_t pages);
std::uint64_t grow(Table& table, std::uint64_t elements, Reference value);

/// What an element of a segment, or another constant expression, comes to in `instance`.
std::uint64_t evaluate(const ConstantExpression& expression, const Instance& instance);
/// The same of an expression of type v128.
V128 evaluate_vector(const ConstantExpression& expression, const Instance& instance);

/// Two positions and a count, as the instructions take them.
struct Range {
    std::uint64_t to;
    std::uint64_t from;
    std::uint64_t count;
};

/// The high half of an i32 is zero, so that slots are read alike for both address types.
inline Range range_at(const std::uint64_t* slots) {
    return {slots[0], slots[1], slots[2]};
}

std::optional<Trap> write_segment(Instance& instance, LinearMemory& memory, std::uint32_t segment,
                                  Range range);
std::optional<Trap> copy_bytes(LinearMemory& to, const LinearMemory& from, Range range);
/// `range.from` is the value.
std::optional<Trap> fill_bytes(LinearMemory& memory, Range range);

std::optional<Trap> write_segment(Instance& instance, Table& table, std::uint32_t segment,
                                  Range range);
std::optional<Trap> copy_elements(Table& to, const Table& from, Range range);
/// `range.from` is the value.
std::optional<Trap> fill_elements(Table& table, Range range);

}  // namespace sojourn::vm
