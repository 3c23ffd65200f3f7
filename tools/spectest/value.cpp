#include "tools/spectest/value.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/number.hpp"

namespace sojourn::spec {

namespace {

using nlohmann::json;

constexpr std::uint64_t kNull = 0;
constexpr std::size_t kVectorBytes = 16;

struct NumberType {
    std::string_view name;
    std::size_t bytes;
};
constexpr NumberType kLaneTypes[] = {{"i8", 1},  {"i16", 2}, {"i32", 4},
                                     {"i64", 8}, {"f32", 4}, {"f64", 8}};

const NumberType* lane_type(const json& name) {
    const auto found = std::ranges::find_if(
        kLaneTypes, [&name](const NumberType& type) { return name == type.name; });
    return found == std::end(kLaneTypes) ? nullptr : &*found;
}

/// i32, i64, f32 or f64.
const NumberType* number_type(const json& name) {
    const NumberType* type = lane_type(name);
    return type != nullptr && type->bytes >= 4 ? type : nullptr;
}

std::string type_of(const json& value) {
    return value.at("type").get<std::string>();
}

std::optional<std::uint64_t> number_in(const json& text) {
    if (!text.is_string()) return std::nullopt;
    return parse_number<std::uint64_t>(text.get_ref<const std::string&>());
}

bool is_number(const json& text, const NumberType& type) {
    if (type.name.front() == 'f' && (text == "nan:canonical" || text == "nan:arithmetic")) {
        return true;
    }
    const auto number = number_in(text);
    return number && (type.bytes == 8 || *number >> (8 * type.bytes) == 0);
}

bool is_vector(const json& value) {
    const NumberType* type = value.contains("lane_type") ? lane_type(value["lane_type"]) : nullptr;
    if (type == nullptr || !value.contains("value")) return false;
    const json& lanes = value["value"];
    return lanes.is_array() && lanes.size() == kVectorBytes / type->bytes &&
           std::ranges::all_of(lanes, [type](const json& lane) { return is_number(lane, *type); });
}

/// Not one of several.
bool is_single_value(const json& value) {
    if (!value.is_object() || !value.contains("type") || !value["type"].is_string()) return false;
    if (value["type"] == "either") return false;
    if (value["type"] == "v128") return is_vector(value);
    if (const NumberType* type = number_type(value["type"])) {
        return value.contains("value") && is_number(value["value"], *type);
    }
    return !value.contains("value") || value["value"].is_string();
}

/// The bits of a quiet NaN with an empty payload, without the sign.
std::uint64_t canonical_nan(const NumberType& type) {
    return type.bytes == 4 ? 0x7fc0'0000 : 0x7ff8'0000'0000'0000;
}
std::uint64_t sign_bit(const NumberType& type) {
    return type.bytes == 4 ? 0x8000'0000 : 0x8000'0000'0000'0000;
}

/// Whether the bits are the expected ones or fit the expected pattern.
bool number_matches(const NumberType& type, const json& expected, std::uint64_t bits) {
    if (expected == "nan:canonical") return (bits & ~sign_bit(type)) == canonical_nan(type);
    if (expected == "nan:arithmetic") return (bits & canonical_nan(type)) == canonical_nan(type);
    return number_in(expected) == bits;
}

bool vector_matches(const json& expected, std::span<const std::uint64_t> slots) {
    const NumberType& type = *lane_type(expected.at("lane_type"));
    const json& lanes = expected.at("value");
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, reinterpret_cast<const char*>(slots.data()) + i * type.bytes,
                    type.bytes);
        if (!number_matches(type, lanes[i], bits)) return false;
    }
    return true;
}

/// As a slot; nothing for one that only the host could make.
std::optional<std::uint64_t> reference_slot(const json& value) {
    if (value.at("value") == "null") return kNull;
    const auto number = number_in(value.at("value"));
    if (!number || value.at("type") != "externref" || *number == UINT64_MAX) return std::nullopt;
    return *number + 1;  // 0 is the null
}

bool value_matches(const json& expected, std::span<const std::uint64_t> slots) {
    const std::string type = type_of(expected);
    if (type == "either") {
        return std::ranges::any_of(expected.at("values"), [slots](const json& value) {
            return value_matches(value, slots);
        });
    }
    if (type == "v128") return vector_matches(expected, slots);
    if (const NumberType* number = number_type(type)) {
        return number_matches(*number, expected.at("value"), slots[0]);
    }
    const bool is_any_reference = !expected.contains("value");
    if (is_any_reference) return slots[0] != kNull;
    return reference_slot(expected) == slots[0];
}

std::size_t width_of(const json& expected) {
    const std::string type = type_of(expected);
    if (type == "either") return width_of(expected.at("values").front());
    return type == "v128" ? 2 : 1;
}

std::vector<std::uint64_t> vector_slots(const json& value) {
    const std::size_t lane_bytes = lane_type(value.at("lane_type"))->bytes;
    std::vector<std::uint64_t> slots(kVectorBytes / sizeof(std::uint64_t));
    auto* bytes = reinterpret_cast<char*>(slots.data());
    for (const json& lane : value.at("value")) {
        const std::uint64_t bits = number_in(lane).value_or(0);
        std::memcpy(bytes, &bits, lane_bytes);
        bytes += lane_bytes;
    }
    return slots;
}

}  // namespace

bool is_value(const json& value) {
    if (!value.is_object() || value.value("type", json()) != "either") {
        return is_single_value(value);
    }
    const json values = value.value("values", json());
    if (!values.is_array() || values.empty()) return false;
    return std::ranges::all_of(values, [&values](const json& one) {
        return is_single_value(one) && width_of(one) == width_of(values.front());
    });
}

std::vector<std::uint64_t> argument_slots(const json& value, vm::ValueType type) {
    const std::string name = type_of(value);
    if (vm::is_reference(type)) {
        if (!value.contains("value") || vm::is_not_null(type)) return {};
        const auto slot = reference_slot(value);
        const bool fits = slot && (*slot == kNull || type == vm::ValueType::externref);
        return fits ? std::vector{*slot} : std::vector<std::uint64_t>{};
    }
    if (name != vm::text_of(type)) return {};
    if (name == "v128") return vector_slots(value);
    const auto number = number_in(value.at("value"));
    return number ? std::vector{*number} : std::vector<std::uint64_t>{};
}

bool matches(const json& expected, std::span<const std::uint64_t> slots) {
    for (const json& value : expected) {
        const std::size_t width = width_of(value);
        if (slots.size() < width || !value_matches(value, slots)) return false;
        slots = slots.subspan(width);
    }
    return slots.empty();
}

}  // namespace sojourn::spec
