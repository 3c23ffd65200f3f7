#pragma once

#include "vm/wasm/meaning_conversion.hpp"
#include "vm/wasm/meaning_vector_integer.hpp"

/// Vectors whose lanes are floating-point numbers, or become such. As for scalars, every NaN that
/// is computed is the canonical one.
namespace sojourn::vm {

namespace internal {

template <typename Lane>
constexpr V128 canonical_lanes(LaneVector<Lane> lanes) {
    const V128 nans = Splat<Lane>::eval(kCanonicalNan<Lane>);
    return to_v128(lanes == lanes ? lanes : vector_of<Lane>(nans));
}

template <typename Lane>
struct VectorFloatAdd {
    static constexpr V128 eval(V128 a, V128 b) {
        return canonical_lanes<Lane>(vector_of<Lane>(a) + vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorFloatSubtract {
    static constexpr V128 eval(V128 a, V128 b) {
        return canonical_lanes<Lane>(vector_of<Lane>(a) - vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorFloatMultiply {
    static constexpr V128 eval(V128 a, V128 b) {
        return canonical_lanes<Lane>(vector_of<Lane>(a) * vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorFloatDivide {
    static constexpr V128 eval(V128 a, V128 b) {
        return canonical_lanes<Lane>(vector_of<Lane>(a) / vector_of<Lane>(b));
    }
};
/// b < a ? b : a, one of the two as it is.
template <typename Lane>
struct PseudoMinimum {
    static constexpr V128 eval(V128 a, V128 b) {
        return BitSelect::eval(b, a, VectorLess<Lane>::eval(b, a));
    }
};
/// a < b ? b : a, one of the two as it is.
template <typename Lane>
struct PseudoMaximum {
    static constexpr V128 eval(V128 a, V128 b) {
        return BitSelect::eval(b, a, VectorLess<Lane>::eval(a, b));
    }
};

/// The low lanes of a, converted; the result's lanes that are left are zero.
template <typename From, typename To, typename Conversion>
struct ConvertLanes {
    static constexpr V128 eval(V128 a) {
        const auto lanes = lanes_of<From>(a);
        return make_lanes<To>([&](std::size_t i) {
            return i < lanes.size() ? static_cast<To>(Conversion::eval(lanes[i])) : To{0};
        });
    }
};
template <typename From, typename To>
using TruncateLanes = ConvertLanes<From, To, TruncateSaturating<From, To, To>>;

}  // namespace internal

#define MEANING(name, ...) \
    template <>            \
    struct Meaning<Opcode::name> : internal::__VA_ARGS__ {}

MEANING(f32x4_demote_f64x2_zero,
        ConvertLanes<double, float, internal::ConvertFloat<double, float>>);
MEANING(f64x2_promote_low_f32x4,
        ConvertLanes<float, double, internal::ConvertFloat<float, double>>);
MEANING(f32x4_ceil, EachLane<float, internal::Ceiling<float>>);
MEANING(f32x4_floor, EachLane<float, internal::Floor<float>>);
MEANING(f32x4_trunc, EachLane<float, internal::Truncate<float>>);
MEANING(f32x4_nearest, EachLane<float, internal::Nearest<float>>);
MEANING(f64x2_ceil, EachLane<double, internal::Ceiling<double>>);
MEANING(f64x2_floor, EachLane<double, internal::Floor<double>>);
MEANING(f64x2_trunc, EachLane<double, internal::Truncate<double>>);
MEANING(f64x2_nearest, EachLane<double, internal::Nearest<double>>);
MEANING(f32x4_abs, EachLane<float, internal::FloatAbsolute<float>>);
MEANING(f32x4_neg, EachLane<float, internal::FloatNegate<float>>);
MEANING(f32x4_sqrt, EachLane<float, internal::SquareRoot<float>>);
MEANING(f32x4_add, VectorFloatAdd<float>);
MEANING(f32x4_sub, VectorFloatSubtract<float>);
MEANING(f32x4_mul, VectorFloatMultiply<float>);
MEANING(f32x4_div, VectorFloatDivide<float>);
MEANING(f32x4_min, EachLane<float, internal::Minimum<float>>);
MEANING(f32x4_max, EachLane<float, internal::Maximum<float>>);
MEANING(f32x4_pmin, PseudoMinimum<float>);
MEANING(f32x4_pmax, PseudoMaximum<float>);
MEANING(f64x2_abs, EachLane<double, internal::FloatAbsolute<double>>);
MEANING(f64x2_neg, EachLane<double, internal::FloatNegate<double>>);
MEANING(f64x2_sqrt, EachLane<double, internal::SquareRoot<double>>);
MEANING(f64x2_add, VectorFloatAdd<double>);
MEANING(f64x2_sub, VectorFloatSubtract<double>);
MEANING(f64x2_mul, VectorFloatMultiply<double>);
MEANING(f64x2_div, VectorFloatDivide<double>);
MEANING(f64x2_min, EachLane<double, internal::Minimum<double>>);
MEANING(f64x2_max, EachLane<double, internal::Maximum<double>>);
MEANING(f64x2_pmin, PseudoMinimum<double>);
MEANING(f64x2_pmax, PseudoMaximum<double>);
MEANING(i32x4_trunc_sat_f32x4_s, TruncateLanes<float, std::int32_t>);
MEANING(i32x4_trunc_sat_f32x4_u, TruncateLanes<float, std::uint32_t>);
MEANING(f32x4_convert_i32x4_s,
        ConvertLanes<std::int32_t, float, internal::Convert<std::int32_t, float>>);
MEANING(f32x4_convert_i32x4_u,
        ConvertLanes<std::uint32_t, float, internal::Convert<std::uint32_t, float>>);
MEANING(i32x4_trunc_sat_f64x2_s_zero, TruncateLanes<double, std::int32_t>);
MEANING(i32x4_trunc_sat_f64x2_u_zero, TruncateLanes<double, std::uint32_t>);
MEANING(f64x2_convert_low_i32x4_s,
        ConvertLanes<std::int32_t, double, internal::Convert<std::int32_t, double>>);
MEANING(f64x2_convert_low_i32x4_u,
        ConvertLanes<std::uint32_t, double, internal::Convert<std::uint32_t, double>>);

static_assert(Meaning<Opcode::f64x2_add>::eval({{0x7ff0'0000'0000'0000, 0x3ff0'0000'0000'0000}},
                                               {{0xfff0'0000'0000'0000, 0x3ff0'0000'0000'0000}}) ==
              V128{{0x7ff8'0000'0000'0000, 0x4000'0000'0000'0000}});
static_assert(Meaning<Opcode::f32x4_pmin>::eval({{0xffc0'0001, 0}}, {{0x3f80'0000, 0}}) ==
              V128{{0xffc0'0001, 0}});
static_assert(Meaning<Opcode::i32x4_trunc_sat_f64x2_u_zero>::eval({{0xbff0'0000'0000'0000,
                                                                    0x41f0'0000'0000'0000}}) ==
              V128{{0xffff'ffff'0000'0000, 0}});

#undef MEANING

}  // namespace sojourn::vm
