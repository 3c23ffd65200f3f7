#pragma once

#include <bit>
#include <concepts>
#include <limits>
#include <type_traits>

#include "vm/wasm/meaning_base.hpp"

/// Integer comparisons, arithmetic and sign extension.
namespace sojourn::vm {

namespace internal {

template <std::signed_integral T>
using Unsigned = std::make_unsigned_t<T>;

template <std::signed_integral T>
constexpr Unsigned<T> as_unsigned(T value) {
    return static_cast<Unsigned<T>>(value);
}
template <std::signed_integral T>
constexpr T as_signed(Unsigned<T> value) {
    return static_cast<T>(value);
}

template <typename T>
struct IsZero {
    static constexpr std::int32_t eval(T a) { return a == 0; }
};
template <typename T>
struct Equal {
    static constexpr std::int32_t eval(T a, T b) { return a == b; }
};
template <typename T>
struct NotEqual {
    static constexpr std::int32_t eval(T a, T b) { return a != b; }
};
template <typename T>
struct Less {
    static constexpr std::int32_t eval(T a, T b) { return a < b; }
};
template <typename T>
struct LessUnsigned {
    static constexpr std::int32_t eval(T a, T b) { return as_unsigned(a) < as_unsigned(b); }
};
template <typename T>
struct Greater {
    static constexpr std::int32_t eval(T a, T b) { return a > b; }
};
template <typename T>
struct GreaterUnsigned {
    static constexpr std::int32_t eval(T a, T b) { return as_unsigned(a) > as_unsigned(b); }
};
template <typename T>
struct LessOrEqual {
    static constexpr std::int32_t eval(T a, T b) { return a <= b; }
};
template <typename T>
struct LessOrEqualUnsigned {
    static constexpr std::int32_t eval(T a, T b) { return as_unsigned(a) <= as_unsigned(b); }
};
template <typename T>
struct GreaterOrEqual {
    static constexpr std::int32_t eval(T a, T b) { return a >= b; }
};
template <typename T>
struct GreaterOrEqualUnsigned {
    static constexpr std::int32_t eval(T a, T b) { return as_unsigned(a) >= as_unsigned(b); }
};

template <typename T>
struct LeadingZeros {
    static constexpr T eval(T a) { return std::countl_zero(as_unsigned(a)); }
};
template <typename T>
struct TrailingZeros {
    static constexpr T eval(T a) { return std::countr_zero(as_unsigned(a)); }
};
template <typename T>
struct PopulationCount {
    static constexpr T eval(T a) { return std::popcount(as_unsigned(a)); }
};
template <typename T>
struct IntegerAdd {
    static constexpr T eval(T a, T b) { return as_signed<T>(as_unsigned(a) + as_unsigned(b)); }
};
template <typename T>
struct IntegerSubtract {
    static constexpr T eval(T a, T b) { return as_signed<T>(as_unsigned(a) - as_unsigned(b)); }
};
template <typename T>
struct IntegerMultiply {
    static constexpr T eval(T a, T b) { return as_signed<T>(as_unsigned(a) * as_unsigned(b)); }
};
template <typename T>
struct IntegerDivide {
    static constexpr Outcome<T> eval(T a, T b) {
        if (b == 0) return Trap::divide_by_zero;
        if (a == std::numeric_limits<T>::min() && b == -1) return Trap::integer_overflow;
        return a / b;
    }
};
template <typename T>
struct IntegerDivideUnsigned {
    static constexpr Outcome<T> eval(T a, T b) {
        if (b == 0) return Trap::divide_by_zero;
        return as_signed<T>(as_unsigned(a) / as_unsigned(b));
    }
};
template <typename T>
struct Remainder {
    static constexpr Outcome<T> eval(T a, T b) {
        if (b == 0) return Trap::divide_by_zero;
        if (b == -1) return T{0};  // the processor would trap on the smallest number
        return a % b;
    }
};
template <typename T>
struct RemainderUnsigned {
    static constexpr Outcome<T> eval(T a, T b) {
        if (b == 0) return Trap::divide_by_zero;
        return as_signed<T>(as_unsigned(a) % as_unsigned(b));
    }
};
template <typename T>
struct And {
    static constexpr T eval(T a, T b) { return a & b; }
};
template <typename T>
struct Or {
    static constexpr T eval(T a, T b) { return a | b; }
};
template <typename T>
struct Xor {
    static constexpr T eval(T a, T b) { return a ^ b; }
};

/// Shifts and rotations count modulo the width.
template <typename T>
inline constexpr T kShiftMask = std::numeric_limits<Unsigned<T>>::digits - 1;

template <typename T>
struct ShiftLeft {
    static constexpr T eval(T a, T b) {
        return as_signed<T>(as_unsigned(a) << (b & kShiftMask<T>));
    }
};
template <typename T>
struct ShiftRight {
    static constexpr T eval(T a, T b) { return a >> (b & kShiftMask<T>); }
};
template <typename T>
struct ShiftRightUnsigned {
    static constexpr T eval(T a, T b) {
        return as_signed<T>(as_unsigned(a) >> (b & kShiftMask<T>));
    }
};
template <typename T>
struct RotateLeft {
    static constexpr T eval(T a, T b) {
        return as_signed<T>(std::rotl(as_unsigned(a), static_cast<int>(b & kShiftMask<T>)));
    }
};
template <typename T>
struct RotateRight {
    static constexpr T eval(T a, T b) {
        return as_signed<T>(std::rotr(as_unsigned(a), static_cast<int>(b & kShiftMask<T>)));
    }
};

/// Reads the low bits of T as a signed Narrow.
template <typename T, typename Narrow>
struct SignExtend {
    static constexpr T eval(T a) { return static_cast<Narrow>(a); }
};

}  // namespace internal

template <>
struct Meaning<Opcode::i32_eqz> : internal::IsZero<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_eq> : internal::Equal<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_ne> : internal::NotEqual<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_lt_s> : internal::Less<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_lt_u> : internal::LessUnsigned<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_gt_s> : internal::Greater<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_gt_u> : internal::GreaterUnsigned<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_le_s> : internal::LessOrEqual<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_le_u> : internal::LessOrEqualUnsigned<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_ge_s> : internal::GreaterOrEqual<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_ge_u> : internal::GreaterOrEqualUnsigned<std::int32_t> {};

template <>
struct Meaning<Opcode::i32_clz> : internal::LeadingZeros<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_ctz> : internal::TrailingZeros<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_popcnt> : internal::PopulationCount<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_add> : internal::IntegerAdd<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_sub> : internal::IntegerSubtract<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_mul> : internal::IntegerMultiply<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_div_s> : internal::IntegerDivide<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_div_u> : internal::IntegerDivideUnsigned<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_rem_s> : internal::Remainder<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_rem_u> : internal::RemainderUnsigned<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_and> : internal::And<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_or> : internal::Or<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_xor> : internal::Xor<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_shl> : internal::ShiftLeft<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_shr_s> : internal::ShiftRight<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_shr_u> : internal::ShiftRightUnsigned<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_rotl> : internal::RotateLeft<std::int32_t> {};
template <>
struct Meaning<Opcode::i32_rotr> : internal::RotateRight<std::int32_t> {};

template <>
struct Meaning<Opcode::i64_eqz> : internal::IsZero<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_eq> : internal::Equal<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_ne> : internal::NotEqual<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_lt_s> : internal::Less<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_lt_u> : internal::LessUnsigned<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_gt_s> : internal::Greater<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_gt_u> : internal::GreaterUnsigned<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_le_s> : internal::LessOrEqual<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_le_u> : internal::LessOrEqualUnsigned<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_ge_s> : internal::GreaterOrEqual<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_ge_u> : internal::GreaterOrEqualUnsigned<std::int64_t> {};

template <>
struct Meaning<Opcode::i64_clz> : internal::LeadingZeros<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_ctz> : internal::TrailingZeros<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_popcnt> : internal::PopulationCount<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_add> : internal::IntegerAdd<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_sub> : internal::IntegerSubtract<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_mul> : internal::IntegerMultiply<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_div_s> : internal::IntegerDivide<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_div_u> : internal::IntegerDivideUnsigned<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_rem_s> : internal::Remainder<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_rem_u> : internal::RemainderUnsigned<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_and> : internal::And<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_or> : internal::Or<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_xor> : internal::Xor<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_shl> : internal::ShiftLeft<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_shr_s> : internal::ShiftRight<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_shr_u> : internal::ShiftRightUnsigned<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_rotl> : internal::RotateLeft<std::int64_t> {};
template <>
struct Meaning<Opcode::i64_rotr> : internal::RotateRight<std::int64_t> {};

template <>
struct Meaning<Opcode::i32_extend8_s> : internal::SignExtend<std::int32_t, std::int8_t> {};
template <>
struct Meaning<Opcode::i32_extend16_s> : internal::SignExtend<std::int32_t, std::int16_t> {};
template <>
struct Meaning<Opcode::i64_extend8_s> : internal::SignExtend<std::int64_t, std::int8_t> {};
template <>
struct Meaning<Opcode::i64_extend16_s> : internal::SignExtend<std::int64_t, std::int16_t> {};
template <>
struct Meaning<Opcode::i64_extend32_s> : internal::SignExtend<std::int64_t, std::int32_t> {};

static_assert(Meaning<Opcode::i32_div_s>::eval(7, -2) == -3);
static_assert(Meaning<Opcode::i32_div_s>::eval(INT32_MIN, -1) == Trap::integer_overflow);
static_assert(Meaning<Opcode::i32_div_u>::eval(-1, 2) == 0x7fffffff);
static_assert(Meaning<Opcode::i64_rem_s>::eval(INT64_MIN, -1) == 0);
static_assert(Meaning<Opcode::i64_rem_u>::eval(1, 0) == Trap::divide_by_zero);
static_assert(Meaning<Opcode::i32_add>::eval(INT32_MAX, 1) == INT32_MIN);
static_assert(Meaning<Opcode::i32_shl>::eval(1, 33) == 2);
static_assert(Meaning<Opcode::i32_rotl>::eval(1, -1) == INT32_MIN);
static_assert(Meaning<Opcode::i64_clz>::eval(0) == 64);
static_assert(Meaning<Opcode::i64_extend8_s>::eval(0x80) == -128);

}  // namespace sojourn::vm
