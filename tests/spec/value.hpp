#pragma once

#include <nlohmann/json.hpp>

#include "vm/wasm/value_type.hpp"

/// Values as wast2json writes them: {"type": "f32", "value": "nan:canonical"}. A reference without
/// a value stands for any that is not null, {"type": "either", "values": […]} for one of several.
namespace sojourn::spec {

/// nullopt for types that this build does not have.
std::optional<std::uint64_t> slot_of(const nlohmann::json& value);

/// Whether a result is the expected value or fits the expected pattern.
bool matches(const nlohmann::json& expected, std::uint64_t slot);

}  // namespace sojourn::spec
