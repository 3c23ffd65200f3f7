#pragma once

#include <bit>
#include <concepts>
#include <limits>
#include <type_traits>

#include "vm/wasm/meaning_integer.hpp"

/// Comparisons and arithmetic of floating-point numbers.
namespace sojourn::vm {

namespace internal {

template <std::floating_point T>
using BitsOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

/// The positive quiet NaN whose payload is empty, the same on every processor.
template <std::floating_point T>
inline constexpr T kCanonicalNan =
    std::bit_cast<T>(sizeof(T) == 4 ? static_cast<BitsOf<T>>(0x7fc0'0000U)
                                    : static_cast<BitsOf<T>>(0x7ff8'0000'0000'0000U));

template <std::floating_point T>
inline constexpr BitsOf<T> kSignBit = BitsOf<T>{1} << (sizeof(T) * 8 - 1);

template <std::floating_point T>
constexpr bool is_nan(T value) {
    return value != value;
}

template <std::floating_point T>
constexpr T canonical(T value) {
    // Said to be certain, or gcc makes it a conditional move through an integer register.
    if (__builtin_expect_with_probability(is_nan(value), 0, 1.0)) return kCanonicalNan<T>;
    return value;
}

template <typename T>
struct FloatAbsolute {
    static constexpr T eval(T a) {
        return std::bit_cast<T>(std::bit_cast<BitsOf<T>>(a) & ~kSignBit<T>);
    }
};
template <typename T>
struct FloatNegate {
    static constexpr T eval(T a) {
        return std::bit_cast<T>(std::bit_cast<BitsOf<T>>(a) ^ kSignBit<T>);
    }
};
template <typename T>
struct CopySign {
    static constexpr T eval(T a, T b) {
        return std::bit_cast<T>((std::bit_cast<BitsOf<T>>(a) & ~kSignBit<T>) |
                                (std::bit_cast<BitsOf<T>>(b) & kSignBit<T>));
    }
};

template <typename T>
struct Ceiling {
    static constexpr T eval(T a) {
        if constexpr (sizeof(T) == 4) return canonical(__builtin_ceilf(a));
        if constexpr (sizeof(T) == 8) return canonical(__builtin_ceil(a));
    }
};
template <typename T>
struct Floor {
    static constexpr T eval(T a) {
        if constexpr (sizeof(T) == 4) return canonical(__builtin_floorf(a));
        if constexpr (sizeof(T) == 8) return canonical(__builtin_floor(a));
    }
};
template <typename T>
struct Truncate {
    static constexpr T eval(T a) {
        if constexpr (sizeof(T) == 4) return canonical(__builtin_truncf(a));
        if constexpr (sizeof(T) == 8) return canonical(__builtin_trunc(a));
    }
};
/// To the nearest integer, ties to the even one.
template <typename T>
struct Nearest {
    static constexpr T eval(T a) {
        if constexpr (sizeof(T) == 4) return canonical(__builtin_roundevenf(a));
        if constexpr (sizeof(T) == 8) return canonical(__builtin_roundeven(a));
    }
};
template <typename T>
struct SquareRoot {
    static constexpr T eval(T a) {
        if (!(a >= 0)) return kCanonicalNan<T>;
        if constexpr (sizeof(T) == 4) return __builtin_sqrtf(a);
        if constexpr (sizeof(T) == 8) return __builtin_sqrt(a);
    }
};

template <typename T>
struct FloatAdd {
    static constexpr T eval(T a, T b) { return canonical(a + b); }
};
template <typename T>
struct FloatSubtract {
    static constexpr T eval(T a, T b) { return canonical(a - b); }
};
template <typename T>
struct FloatMultiply {
    static constexpr T eval(T a, T b) { return canonical(a * b); }
};
template <typename T>
struct FloatDivide {
    static constexpr T eval(T a, T b) {
        if (std::is_constant_evaluated() && b == 0) {  // not a constant expression in C++
            if (a == 0 || is_nan(a)) return kCanonicalNan<T>;
            return CopySign<T>::eval(std::numeric_limits<T>::infinity(),
                                     CopySign<T>::eval(1, a) * CopySign<T>::eval(1, b));
        }
        return canonical(a / b);
    }
};

/// Zeros are equal and differ in their sign bit: -0 is the smaller one.
template <typename T>
struct Minimum {
    static constexpr T eval(T a, T b) {
        if (is_nan(a) || is_nan(b)) return kCanonicalNan<T>;
        if (a == b)
            return std::bit_cast<T>(std::bit_cast<BitsOf<T>>(a) | std::bit_cast<BitsOf<T>>(b));
        return a < b ? a : b;
    }
};
template <typename T>
struct Maximum {
    static constexpr T eval(T a, T b) {
        if (is_nan(a) || is_nan(b)) return kCanonicalNan<T>;
        if (a == b)
            return std::bit_cast<T>(std::bit_cast<BitsOf<T>>(a) & std::bit_cast<BitsOf<T>>(b));
        return a > b ? a : b;
    }
};

}  // namespace internal

template <>
struct Meaning<Opcode::f32_eq> : internal::Equal<float> {};
template <>
struct Meaning<Opcode::f32_ne> : internal::NotEqual<float> {};
template <>
struct Meaning<Opcode::f32_lt> : internal::Less<float> {};
template <>
struct Meaning<Opcode::f32_gt> : internal::Greater<float> {};
template <>
struct Meaning<Opcode::f32_le> : internal::LessOrEqual<float> {};
template <>
struct Meaning<Opcode::f32_ge> : internal::GreaterOrEqual<float> {};

template <>
struct Meaning<Opcode::f32_abs> : internal::FloatAbsolute<float> {};
template <>
struct Meaning<Opcode::f32_neg> : internal::FloatNegate<float> {};
template <>
struct Meaning<Opcode::f32_ceil> : internal::Ceiling<float> {};
template <>
struct Meaning<Opcode::f32_floor> : internal::Floor<float> {};
template <>
struct Meaning<Opcode::f32_trunc> : internal::Truncate<float> {};
template <>
struct Meaning<Opcode::f32_nearest> : internal::Nearest<float> {};
template <>
struct Meaning<Opcode::f32_sqrt> : internal::SquareRoot<float> {};
template <>
struct Meaning<Opcode::f32_add> : internal::FloatAdd<float> {};
template <>
struct Meaning<Opcode::f32_sub> : internal::FloatSubtract<float> {};
template <>
struct Meaning<Opcode::f32_mul> : internal::FloatMultiply<float> {};
template <>
struct Meaning<Opcode::f32_div> : internal::FloatDivide<float> {};
template <>
struct Meaning<Opcode::f32_min> : internal::Minimum<float> {};
template <>
struct Meaning<Opcode::f32_max> : internal::Maximum<float> {};
template <>
struct Meaning<Opcode::f32_copysign> : internal::CopySign<float> {};

template <>
struct Meaning<Opcode::f64_eq> : internal::Equal<double> {};
template <>
struct Meaning<Opcode::f64_ne> : internal::NotEqual<double> {};
template <>
struct Meaning<Opcode::f64_lt> : internal::Less<double> {};
template <>
struct Meaning<Opcode::f64_gt> : internal::Greater<double> {};
template <>
struct Meaning<Opcode::f64_le> : internal::LessOrEqual<double> {};
template <>
struct Meaning<Opcode::f64_ge> : internal::GreaterOrEqual<double> {};

template <>
struct Meaning<Opcode::f64_abs> : internal::FloatAbsolute<double> {};
template <>
struct Meaning<Opcode::f64_neg> : internal::FloatNegate<double> {};
template <>
struct Meaning<Opcode::f64_ceil> : internal::Ceiling<double> {};
template <>
struct Meaning<Opcode::f64_floor> : internal::Floor<double> {};
template <>
struct Meaning<Opcode::f64_trunc> : internal::Truncate<double> {};
template <>
struct Meaning<Opcode::f64_nearest> : internal::Nearest<double> {};
template <>
struct Meaning<Opcode::f64_sqrt> : internal::SquareRoot<double> {};
template <>
struct Meaning<Opcode::f64_add> : internal::FloatAdd<double> {};
template <>
struct Meaning<Opcode::f64_sub> : internal::FloatSubtract<double> {};
template <>
struct Meaning<Opcode::f64_mul> : internal::FloatMultiply<double> {};
template <>
struct Meaning<Opcode::f64_div> : internal::FloatDivide<double> {};
template <>
struct Meaning<Opcode::f64_min> : internal::Minimum<double> {};
template <>
struct Meaning<Opcode::f64_max> : internal::Maximum<double> {};
template <>
struct Meaning<Opcode::f64_copysign> : internal::CopySign<double> {};

static_assert(Meaning<Opcode::f32_nearest>::eval(2.5F) == 2.0F);
static_assert(Meaning<Opcode::f64_nearest>::eval(-3.5) == -4.0);
static_assert(Meaning<Opcode::f64_sqrt>::eval(9.0) == 3.0);
static_assert(std::bit_cast<std::uint32_t>(Meaning<Opcode::f32_div>::eval(0.0F, 0.0F)) ==
              0x7fc0'0000);
static_assert(std::bit_cast<std::uint64_t>(Meaning<Opcode::f64_sqrt>::eval(-1.0)) ==
              0x7ff8'0000'0000'0000);
static_assert(std::bit_cast<std::uint64_t>(Meaning<Opcode::f64_min>::eval(0.0, -0.0)) ==
              0x8000'0000'0000'0000);

}  // namespace sojourn::vm
