#pragma once

#include <cstdint>
#include <string_view>

namespace sojourn::vm {

/// The encodings of the binary format (specification 5.3.1).
enum class ValueType : std::uint8_t {
    i32 = 0x7f,
    i64 = 0x7e,
    f32 = 0x7d,
    f64 = 0x7c,
    funcref = 0x70,
    externref = 0x6f,
};

std::string_view text_of(ValueType type);

constexpr bool is_reference(ValueType type) {
    return type == ValueType::funcref || type == ValueType::externref;
}

}  // namespace sojourn::vm
