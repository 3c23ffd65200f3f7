#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sojourn::vm {

/// The encodings of the binary format (specification 5.3.1).
enum class ValueType : std::uint8_t {
    i32 = 0x7f,
    i64 = 0x7e,
    f32 = 0x7d,
    f64 = 0x7c,
    v128 = 0x7b,
    funcref = 0x70,
    externref = 0x6f,
};

std::string_view text_of(ValueType type);

constexpr bool is_reference(ValueType type) {
    return type == ValueType::funcref || type == ValueType::externref;
}

/// How many slots of 8 bytes a value takes in a frame, in a region of globals, as an argument.
constexpr std::uint32_t slots_of(ValueType type) {
    return type == ValueType::v128 ? 2 : 1;
}
constexpr std::uint32_t slots_of(std::span<const ValueType> types) {
    std::uint32_t slots = 0;
    for (const ValueType type : types)
        slots += slots_of(type);
    return slots;
}

}  // namespace sojourn::vm
