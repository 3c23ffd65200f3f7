#pragma once

#include <optional>

#include "vm/exec/instance.hpp"

/// The instructions that work on many bytes or elements at once. Each checks its whole range before
/// it writes anything.
namespace sojourn::vm {

/// What memory.grow and table.grow answer when they are refused.
inline constexpr std::uint32_t kGrowRefused = UINT32_MAX;

/// The size before, or kGrowRefused: by the declared limits alone.
std::uint32_t grow(LinearMemory& memory, std::uint32_t pages);
std::uint32_t grow(Table& table, std::uint32_t elements, Reference value);

/// What an element of a segment, or another constant expression, comes to in `instance`.
std::uint64_t evaluate(const ConstantExpression& expression, const Instance& instance);

/// Two positions and a count, as the instructions take them.
struct Range {
    std::uint32_t to;
    std::uint32_t from;
    std::uint32_t count;
};

std::optional<Trap> write_segment(Instance& instance, LinearMemory& memory, std::uint32_t segment,
                                  Range range);
std::optional<Trap> copy_bytes(LinearMemory& memory, Range range);
/// `range.from` is the value.
std::optional<Trap> fill_bytes(LinearMemory& memory, Range range);

std::optional<Trap> write_segment(Instance& instance, Table& table, std::uint32_t segment,
                                  Range range);
std::optional<Trap> copy_elements(Table& to, const Table& from, Range range);
std::optional<Trap> fill_elements(Table& table, std::uint32_t first, Reference value,
                                  std::uint32_t count);

}  // namespace sojourn::vm
