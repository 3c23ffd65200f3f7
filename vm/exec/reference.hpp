#pragma once

#include <cstdint>

namespace sojourn::vm {

/// A function type, numbered by structure across the modules of a machine.
enum class TypeId : std::uint32_t {};

/// A reference in a slot or a table: kNullReference, or for a function (instance + 1) << 32 |
/// function index. One read back from a checkpoint may be anything: it is checked where it is
/// called. Externrefs are bits that the embedder gave.
using Reference = std::uint64_t;

inline constexpr Reference kNullReference = 0;

constexpr Reference make_reference(std::uint32_t instance, std::uint32_t function_index) {
    return (std::uint64_t{instance} + 1) << 32U | function_index;
}
/// Requires: not null. 2^32 - 1 when the bits are no function's.
constexpr std::uint32_t instance_of(Reference reference) {
    return static_cast<std::uint32_t>(reference >> 32U) - 1;
}
constexpr std::uint32_t function_index_of(Reference reference) {
    return static_cast<std::uint32_t>(reference);
}

}  // namespace sojourn::vm
