#pragma once

#include <span>

#include <nlohmann/json.hpp>

#include "vm/wasm/value_type.hpp"

/// Values as wast2json writes them: {"type": "f32", "value": "nan:canonical"}, and for a vector
/// {"type": "v128", "lane_type": "i32", "value": ["0", "1", "2", "3"]}. A reference without a value
/// stands for any that is not null, {"type": "either", "values": […]} for one of several.
namespace sojourn::spec {

/// Whether it is one of these. What follows requires it.
bool is_value(const nlohmann::json& value);

/// The argument's slots when it is one for a parameter of `type`, else none.
std::vector<std::uint64_t> argument_slots(const nlohmann::json& value, vm::ValueType type);

/// Whether results are the expected ones, a list, or fit the expected patterns.
bool matches(const nlohmann::json& expected, std::span<const std::uint64_t> slots);

}  // namespace sojourn::spec
