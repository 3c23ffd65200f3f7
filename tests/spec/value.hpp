#pragma once

#include <span>

#include <nlohmann/json.hpp>

#include "vm/wasm/value_type.hpp"

/// Values as wast2json writes them: {"type": "f32", "value": "nan:canonical"}, and for a vector
/// {"type": "v128", "lane_type": "i32", "value": ["0", "1", "2", "3"]}. A reference without a value
/// stands for any that is not null, {"type": "either", "values": […]} for one of several.
namespace sojourn::spec {

/// As slots. Empty for types that this build does not have.
std::vector<std::uint64_t> slots_of(const nlohmann::json& value);

/// Whether results are the expected ones, a list, or fit the expected patterns.
bool matches(const nlohmann::json& expected, std::span<const std::uint64_t> slots);

}  // namespace sojourn::spec
