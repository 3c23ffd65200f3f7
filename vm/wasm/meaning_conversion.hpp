#pragma once

#include "vm/wasm/meaning_float.hpp"

/// From one number type to another.
namespace sojourn::vm {

namespace internal {

template <typename From, typename To>
struct Convert {
    static constexpr To eval(From a) { return static_cast<To>(a); }
};
template <typename From, typename To>
struct ConvertUnsigned {
    static constexpr To eval(From a) { return static_cast<To>(as_unsigned(a)); }
};
template <typename From, typename To>
struct ConvertFloat {
    static constexpr To eval(From a) { return is_nan(a) ? kCanonicalNan<To> : static_cast<To>(a); }
};
template <typename From, typename To>
struct Reinterpret {
    static constexpr To eval(From a) { return std::bit_cast<To>(a); }
};

/// The numbers of type From that lie in the range of To when their fraction is cut off.
template <typename From, typename To>
struct TruncationRange {
    static constexpr From kLowest = static_cast<From>(std::numeric_limits<To>::min());
    static constexpr From kBelow = kLowest - 1;  ///< kLowest itself where From is too coarse
    static constexpr From kAbove =
        static_cast<From>(To{1} << (std::numeric_limits<To>::digits - 1)) * 2;

    static constexpr bool is_too_low(From a) {
        if constexpr (kBelow == kLowest) return a < kLowest;
        return a <= kBelow;
    }
    static constexpr bool is_too_high(From a) { return a >= kAbove; }
};

template <typename From, typename To, typename Result>
struct TruncateTo {
    static constexpr Outcome<Result> eval(From a) {
        if (is_nan(a)) return Trap::invalid_conversion;
        using Range = TruncationRange<From, To>;
        if (Range::is_too_low(a) || Range::is_too_high(a)) return Trap::integer_overflow;
        return static_cast<Result>(static_cast<To>(a));
    }
};
template <typename From, typename To, typename Result>
struct TruncateSaturating {
    static constexpr Result eval(From a) {
        if (is_nan(a)) return 0;
        using Range = TruncationRange<From, To>;
        if (Range::is_too_low(a)) return static_cast<Result>(std::numeric_limits<To>::min());
        if (Range::is_too_high(a)) return static_cast<Result>(std::numeric_limits<To>::max());
        return static_cast<Result>(static_cast<To>(a));
    }
};

}  // namespace internal

template <>
struct Meaning<Opcode::i32_wrap_i64> : internal::Convert<std::int64_t, std::int32_t> {};
template <>
struct Meaning<Opcode::i64_extend_i32_s> : internal::Convert<std::int32_t, std::int64_t> {};
template <>
struct Meaning<Opcode::i64_extend_i32_u> : internal::ConvertUnsigned<std::int32_t, std::int64_t> {};
template <>
struct Meaning<Opcode::f32_convert_i32_s> : internal::Convert<std::int32_t, float> {};
template <>
struct Meaning<Opcode::f32_convert_i32_u> : internal::ConvertUnsigned<std::int32_t, float> {};
template <>
struct Meaning<Opcode::f32_convert_i64_s> : internal::Convert<std::int64_t, float> {};
template <>
struct Meaning<Opcode::f32_convert_i64_u> : internal::ConvertUnsigned<std::int64_t, float> {};
template <>
struct Meaning<Opcode::f64_convert_i32_s> : internal::Convert<std::int32_t, double> {};
template <>
struct Meaning<Opcode::f64_convert_i32_u> : internal::ConvertUnsigned<std::int32_t, double> {};
template <>
struct Meaning<Opcode::f64_convert_i64_s> : internal::Convert<std::int64_t, double> {};
template <>
struct Meaning<Opcode::f64_convert_i64_u> : internal::ConvertUnsigned<std::int64_t, double> {};
template <>
struct Meaning<Opcode::f32_demote_f64> : internal::ConvertFloat<double, float> {};
template <>
struct Meaning<Opcode::f64_promote_f32> : internal::ConvertFloat<float, double> {};
template <>
struct Meaning<Opcode::i32_reinterpret_f32> : internal::Reinterpret<float, std::int32_t> {};
template <>
struct Meaning<Opcode::i64_reinterpret_f64> : internal::Reinterpret<double, std::int64_t> {};
template <>
struct Meaning<Opcode::f32_reinterpret_i32> : internal::Reinterpret<std::int32_t, float> {};
template <>
struct Meaning<Opcode::f64_reinterpret_i64> : internal::Reinterpret<std::int64_t, double> {};

template <>
struct Meaning<Opcode::i32_trunc_f32_s> : internal::TruncateTo<float, std::int32_t, std::int32_t> {
};
template <>
struct Meaning<Opcode::i32_trunc_f32_u> : internal::TruncateTo<float, std::uint32_t, std::int32_t> {
};
template <>
struct Meaning<Opcode::i32_trunc_f64_s> : internal::TruncateTo<double, std::int32_t, std::int32_t> {
};
template <>
struct Meaning<Opcode::i32_trunc_f64_u>
    : internal::TruncateTo<double, std::uint32_t, std::int32_t> {};
template <>
struct Meaning<Opcode::i64_trunc_f32_s> : internal::TruncateTo<float, std::int64_t, std::int64_t> {
};
template <>
struct Meaning<Opcode::i64_trunc_f32_u> : internal::TruncateTo<float, std::uint64_t, std::int64_t> {
};
template <>
struct Meaning<Opcode::i64_trunc_f64_s> : internal::TruncateTo<double, std::int64_t, std::int64_t> {
};
template <>
struct Meaning<Opcode::i64_trunc_f64_u>
    : internal::TruncateTo<double, std::uint64_t, std::int64_t> {};

template <>
struct Meaning<Opcode::i32_trunc_sat_f32_s>
    : internal::TruncateSaturating<float, std::int32_t, std::int32_t> {};
template <>
struct Meaning<Opcode::i32_trunc_sat_f32_u>
    : internal::TruncateSaturating<float, std::uint32_t, std::int32_t> {};
template <>
struct Meaning<Opcode::i32_trunc_sat_f64_s>
    : internal::TruncateSaturating<double, std::int32_t, std::int32_t> {};
template <>
struct Meaning<Opcode::i32_trunc_sat_f64_u>
    : internal::TruncateSaturating<double, std::uint32_t, std::int32_t> {};
template <>
struct Meaning<Opcode::i64_trunc_sat_f32_s>
    : internal::TruncateSaturating<float, std::int64_t, std::int64_t> {};
template <>
struct Meaning<Opcode::i64_trunc_sat_f32_u>
    : internal::TruncateSaturating<float, std::uint64_t, std::int64_t> {};
template <>
struct Meaning<Opcode::i64_trunc_sat_f64_s>
    : internal::TruncateSaturating<double, std::int64_t, std::int64_t> {};
template <>
struct Meaning<Opcode::i64_trunc_sat_f64_u>
    : internal::TruncateSaturating<double, std::uint64_t, std::int64_t> {};

static_assert(Meaning<Opcode::i64_extend_i32_u>::eval(-1) == 0xffff'ffff);
static_assert(Meaning<Opcode::i32_trunc_f64_s>::eval(-2147483648.9) == INT32_MIN);
static_assert(Meaning<Opcode::i32_trunc_f64_s>::eval(-2147483649.0) == Trap::integer_overflow);
static_assert(Meaning<Opcode::i32_trunc_f32_s>::eval(-2147483648.0F) == INT32_MIN);
static_assert(Meaning<Opcode::i32_trunc_f32_s>::eval(2147483648.0F) == Trap::integer_overflow);
static_assert(Meaning<Opcode::i64_trunc_f64_u>::eval(-0.9) == 0);
static_assert(Meaning<Opcode::i64_trunc_f64_u>::eval(18446744073709549568.0) == -2048);
static_assert(Meaning<Opcode::i32_trunc_sat_f32_u>::eval(1e10F) == -1);
static_assert(Meaning<Opcode::f32_convert_i64_u>::eval(-1) == 18446744073709551616.0F);

}  // namespace sojourn::vm
