#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

/// Messages that are one line with one JSON object.
namespace sojourn::process {

std::string line_of(const nlohmann::json& object);

/// Null unless `line` is an object.
nlohmann::json parse_object(std::string_view line);

/// Empty where there is none.
std::string text_in(const nlohmann::json& object, const char* key);
/// 0 where there is none.
std::uint64_t number_in(const nlohmann::json& object, const char* key);

}  // namespace sojourn::process
