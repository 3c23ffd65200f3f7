#include "tests/spec/value.hpp"

#include <algorithm>
#include <cstring>

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

std::uint64_t number_of(const nlohmann::json& text) {
    return std::stoull(text.get<std::string>());
}

std::size_t bytes_of_lane(const std::string& type) {
    if (type == "i8") return 1;
    if (type == "i16") return 2;
    return type == "i32" || type == "f32" ? 4 : 8;
}

/// Whether a number of `type` is the expected one or fits the expected pattern.
bool number_matches(const std::string& type, const nlohmann::json& expected, std::uint64_t bits) {
    if (expected == "nan:canonical") return (bits & ~sign_bit(type)) == canonical_nan(type);
    if (expected == "nan:arithmetic") return (bits & canonical_nan(type)) == canonical_nan(type);
    return number_of(expected) == bits;
}

bool vector_matches(const nlohmann::json& expected, std::span<const std::uint64_t> slots) {
    const auto type = expected.at("lane_type").get<std::string>();
    const nlohmann::json& lanes = expected.at("value");
    const std::size_t lane_bytes = bytes_of_lane(type);
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        std::uint64_t bits = 0;
        const std::size_t at = i * lane_bytes;
        std::memcpy(&bits, reinterpret_cast<const char*>(slots.data()) + at, lane_bytes);
        if (!number_matches(type, lanes[i], bits)) return false;
    }
    return true;
}

bool value_matches(const nlohmann::json& expected, std::span<const std::uint64_t> slots) {
    const std::string type = type_of(expected);
    if (type == "either") {
        return std::ranges::any_of(expected.at("values"), [slots](const auto& value) {
            return value_matches(value, slots);
        });
    }
    if (type == "v128") return vector_matches(expected, slots);
    const bool is_any_reference = !expected.contains("value");
    if (is_any_reference) return slots[0] != kNull;
    const bool is_number = type.front() == 'i' || type == "f32" || type == "f64";
    if (is_number) return number_matches(type, expected.at("value"), slots[0]);
    return slots_of(expected)[0] == slots[0];
}

std::size_t width_of(const nlohmann::json& expected) {
    const std::string type = type_of(expected);
    if (type == "either") return width_of(expected.at("values").front());
    return type == "v128" ? 2 : 1;
}

}  // namespace

std::vector<std::uint64_t> slots_of(const nlohmann::json& value) {
    const std::string type = type_of(value);
    if (!value.contains("value")) return {};
    if (type == "v128") {
        const nlohmann::json& lanes = value.at("value");
        const std::size_t lane_bytes = bytes_of_lane(value.at("lane_type"));
        std::vector<std::uint64_t> slots(2);
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            const std::uint64_t bits = number_of(lanes[i]);
            std::memcpy(reinterpret_cast<char*>(slots.data()) + i * lane_bytes, &bits, lane_bytes);
        }
        return slots;
    }
    if (value.at("value") == "null") return {kNull};
    const std::uint64_t number = number_of(value.at("value"));
    return {type == "externref" ? number + 1 : number};  // 0 is the null
}

bool matches(const nlohmann::json& expected, std::span<const std::uint64_t> slots) {
    for (const nlohmann::json& value : expected) {
        const std::size_t width = width_of(value);
        if (slots.size() < width || !value_matches(value, slots)) return false;
        slots = slots.subspan(width);
    }
    return slots.empty();
}

}  // namespace sojourn::spec
