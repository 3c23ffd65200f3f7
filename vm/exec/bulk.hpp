#pragma once

#include <optional>

#include "vm/exec/instance.hpp"

/// The instructions that work on many bytes or elements at once. Each checks its whole range before
/// it writes anything.
namespace sojourn::vm {

/// What table.grow and memory.grow answer when they are refused; of a 64-bit memory, -1 is wider.
inline constexpr std::uint32_t kGrowRefused = UINT32_MAX;
inline constexpr std::uint64_t kGrowRefused64 = UINT64_MAX;

/// The size before, or that it was refused: by the declared limits alone. Of `pages`, a slot, the
/// bits of the memory's address type count.
std::uint64_t grow(LinearMemory& memory, std::uint64_t pages);
std::uint32_t grow(Table& table, std::uint32_t elements, Reference value);

/// What an element of a segment, or another constant expression, comes to in `instance`.
std::uint64_t evaluate(const ConstantExpression& expression, const Instance& instance);

/// Two positions and a count, as the instructions take them.
struct Range {
    std::uint64_t to;
    std::uint64_t from;
    std::uint64_t count;
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
