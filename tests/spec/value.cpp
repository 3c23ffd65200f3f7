#include "tests/spec/value.hpp"

#include <algorithm>

namespace sojourn::spec {

namespace {

constexpr std::uint64_t kNull = 0;

std::string type_of(const nlohmann::json& value) {
    return value.at("type").get<std::string>();
}

/// The bits of a quiet NaN with an empty payload, without the sign.
std::uint64_t canonical_nan(const std::string& type) {
    return type == "f32" ? 0x7fc0'0000 : 0x7ff8'0000'0000'0000;
}
std::uint64_t sign_bit(const std::string& type) {
    return type == "f32" ? 0x8000'0000 : 0x8000'0000'0000'0000;
}

}  // namespace

std::optional<std::uint64_t> slot_of(const nlohmann::json& value) {
    const std::string type = type_of(value);
    if (type == "v128" || !value.contains("value")) return std::nullopt;
    const auto text = value.at("value").get<std::string>();
    if (text == "null") return kNull;
    const std::uint64_t number = std::stoull(text);
    return type == "externref" ? number + 1 : number;  // 0 is the null
}

bool matches(const nlohmann::json& expected, std::uint64_t slot) {
    const std::string type = type_of(expected);
    if (type == "either") {
        return std::ranges::any_of(expected.at("values"),
                                   [slot](const auto& value) { return matches(value, slot); });
    }
    const bool is_any_reference = !expected.contains("value");
    if (is_any_reference) return slot != kNull;
    if (type == "f32" || type == "f64") {
        const auto text = expected.at("value").get<std::string>();
        if (text == "nan:canonical") return (slot & ~sign_bit(type)) == canonical_nan(type);
        if (text == "nan:arithmetic") return (slot & canonical_nan(type)) == canonical_nan(type);
    }
    return slot_of(expected) == slot;
}

}  // namespace sojourn::spec
