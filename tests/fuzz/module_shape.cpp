#include "tests/fuzz/module_shape.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace sojourn::fuzz {

using namespace vm;
using test::join;
using test::leb;
using test::Raw;
using test::signed_leb;

namespace {

template <typename T>
std::uint64_t bits_of(T value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}

constexpr std::int64_t kIntegers[] = {0,         1,          -1,        2,         31,
                                      32,        63,         64,        INT8_MIN,  UINT8_MAX,
                                      INT16_MIN, UINT16_MAX, INT32_MIN, INT32_MAX, UINT32_MAX,
                                      INT64_MIN, INT64_MAX};

/// Zeros, halves to round, the ends of integers, of floats and of what they hold exactly.
constexpr double kFloats[] = {0.0,
                              -0.0,
                              1.0,
                              -1.0,
                              0.5,
                              -0.5,
                              1.5,
                              2.5,
                              -3.7,
                              2147483647.0,
                              2147483648.0,
                              -2147483649.0,
                              4294967295.5,
                              9223372036854775808.0,
                              18446744073709551616.0,
                              16777217.0,
                              9007199254740993.0,
                              1e-45,
                              5e-324,
                              3.5e38,
                              1e300,
                              std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};

template <std::size_t count, typename T>
T choose_of(Input& choices, const T (&some)[count]) {
    return some[choose(choices, count)];
}

bool is_float(ValueType type) {
    return type == ValueType::f32 || type == ValueType::f64;
}
std::uint64_t sign_bit_of(ValueType type) {
    return std::uint64_t{1} << (type == ValueType::f32 ? 31U : 63U);
}

std::uint64_t chosen_bits(Input& choices, ValueType type) {
    const std::uint32_t way = choose(choices, 8);
    if (way == 0 && is_float(type)) return choose(choices, 2) == 0 ? 0 : sign_bit_of(type);
    if (way < 3) {
        const auto bits = choices.take<std::uint64_t>();
        return type == ValueType::i32 || type == ValueType::f32 ? static_cast<std::uint32_t>(bits)
                                                                : bits;
    }
    switch (type) {
        case ValueType::i32:
            return static_cast<std::uint32_t>(choose_of(choices, kIntegers));
        case ValueType::f32:
            return bits_of(static_cast<float>(choose_of(choices, kFloats)));
        case ValueType::f64:
            return bits_of(choose_of(choices, kFloats));
        default:
            return static_cast<std::uint64_t>(choose_of(choices, kIntegers));
    }
}

/// A constant of some lanes in all of them, or of two halves.
V128 chosen_vector(Input& choices) {
    constexpr ValueType kLanes[] = {ValueType::i32, ValueType::i64, ValueType::f32, ValueType::f64};
    V128 value{};
    for (std::uint64_t& half : value.halves) {
        const ValueType type = choose_of(choices, kLanes);
        const std::uint64_t bits = chosen_bits(choices, type);
        const bool is_narrow = type == ValueType::i32 || type == ValueType::f32;
        half = is_narrow ? bits << 32U | chosen_bits(choices, type) : bits;
    }
    return value;
}

}  // namespace

Dialect Dialect::whole() {
    Dialect dialect{.opcodes = {}, .has_memory64 = true, .has_several_memories = true};
    dialect.opcodes.set();
    return dialect;
}

std::vector<ValueType> Dialect::value_types() const {
    std::vector<ValueType> types{ValueType::i32, ValueType::i64,     ValueType::f32,
                                 ValueType::f64, ValueType::funcref, ValueType::externref};
    if (has(Opcode::v128_const)) types.push_back(ValueType::v128);
    if (has(Opcode::throw_ref)) types.push_back(ValueType::exnref);
    return types;
}

std::uint32_t ModuleShape::add_type(const FunctionType& type) {
    const auto found = std::ranges::find(types, type);
    const auto index = static_cast<std::uint32_t>(found - types.begin());
    if (found == types.end()) types.push_back(type);
    return index;
}

void Code::op(Opcode opcode) {
    const OpcodeInfo& info = info_of(opcode);
    if (info.prefix != 0) bytes_.push_back(info.prefix);
    add(info.prefix != 0 ? leb(info.code) : Raw{static_cast<std::uint8_t>(info.code)});
}

void Code::constant(ValueType type, std::uint64_t bits) {
    Raw raw(sizeof bits);
    std::memcpy(raw.data(), &bits, sizeof bits);
    switch (type) {
        case ValueType::i32:
            op(Opcode::i32_const);
            return add(signed_leb(static_cast<std::int32_t>(bits)));
        case ValueType::i64:
            op(Opcode::i64_const);
            return add(signed_leb(static_cast<std::int64_t>(bits)));
        case ValueType::f32:
            op(Opcode::f32_const);
            raw.resize(sizeof(float));
            return add(raw);
        case ValueType::f64:
            op(Opcode::f64_const);
            return add(raw);
        default:
            op(Opcode::ref_null);
            return add(encoded(type));
    }
}

void Code::constant(V128 value) {
    Raw raw(sizeof value);
    std::memcpy(raw.data(), &value, sizeof value);
    op(Opcode::v128_const);
    add(raw);
}

void add_chosen_constant(Code& code, Input& choices, const ModuleShape& shape, ValueType type) {
    if (type == ValueType::v128) {
        code.constant(chosen_vector(choices));
    } else if (type == ValueType::funcref && choose(choices, 4) != 0) {
        code.op(Opcode::ref_func, choose(choices, shape.functions.size()));
    } else {
        code.constant(type, chosen_bits(choices, type));
    }
}

Raw encoded(ValueType type) {
    return {static_cast<std::uint8_t>(type)};
}

Raw encoded(const std::vector<ValueType>& types) {
    Raw raw = leb(types.size());
    for (const ValueType type : types)
        raw.push_back(encoded(type).front());
    return raw;
}

}  // namespace sojourn::fuzz
