#pragma once

#include "vm/wasm/meaning_vector_float.hpp"

/// Relaxed vector instructions. Of the results that the specification allows, each gives the one of
/// its deterministic profile, on every processor: that of the strict instruction it is like. A
/// multiplication and addition rounds twice, lanes are selected bit by bit, and the second factor
/// of a dot product is signed.
namespace sojourn::vm {

namespace internal {

template <typename Lane>
struct MultiplyAdd {
    static constexpr V128 eval(V128 a, V128 b, V128 c) {
        return VectorFloatAdd<Lane>::eval(VectorFloatMultiply<Lane>::eval(a, b), c);
    }
};
template <typename Lane>
struct NegatedMultiplyAdd {
    static constexpr V128 eval(V128 a, V128 b, V128 c) {
        return MultiplyAdd<Lane>::eval(EachLane<Lane, FloatNegate<Lane>>::eval(a), b, c);
    }
};
/// Sums of two products of bytes; one that overflows saturates.
struct ByteDotProduct {
    static constexpr V128 eval(V128 a, V128 b) {
        const auto left = lanes_of<std::int8_t>(a);
        const auto right = lanes_of<std::int8_t>(b);
        return make_lanes<std::int16_t>([&](std::size_t i) {
            return saturated<std::int16_t>(left[2 * i] * right[2 * i] +
                                           left[2 * i + 1] * right[2 * i + 1]);
        });
    }
};
struct ByteDotProductAdd {
    static constexpr V128 eval(V128 a, V128 b, V128 c) {
        using AddPairs = ExtendAddPairs<std::int16_t, std::int32_t>;
        return VectorAdd<std::uint32_t>::eval(AddPairs::eval(ByteDotProduct::eval(a, b)), c);
    }
};

}  // namespace internal

#define MEANING(name, ...) \
    template <>            \
    struct Meaning<Opcode::name> : __VA_ARGS__ {}

MEANING(i8x16_relaxed_swizzle, Meaning<Opcode::i8x16_swizzle>);
MEANING(i32x4_relaxed_trunc_f32x4_s, Meaning<Opcode::i32x4_trunc_sat_f32x4_s>);
MEANING(i32x4_relaxed_trunc_f32x4_u, Meaning<Opcode::i32x4_trunc_sat_f32x4_u>);
MEANING(i32x4_relaxed_trunc_f64x2_s_zero, Meaning<Opcode::i32x4_trunc_sat_f64x2_s_zero>);
MEANING(i32x4_relaxed_trunc_f64x2_u_zero, Meaning<Opcode::i32x4_trunc_sat_f64x2_u_zero>);
MEANING(f32x4_relaxed_madd, internal::MultiplyAdd<float>);
MEANING(f32x4_relaxed_nmadd, internal::NegatedMultiplyAdd<float>);
MEANING(f64x2_relaxed_madd, internal::MultiplyAdd<double>);
MEANING(f64x2_relaxed_nmadd, internal::NegatedMultiplyAdd<double>);
MEANING(i8x16_relaxed_laneselect, Meaning<Opcode::v128_bitselect>);
MEANING(i16x8_relaxed_laneselect, Meaning<Opcode::v128_bitselect>);
MEANING(i32x4_relaxed_laneselect, Meaning<Opcode::v128_bitselect>);
MEANING(i64x2_relaxed_laneselect, Meaning<Opcode::v128_bitselect>);
MEANING(f32x4_relaxed_min, Meaning<Opcode::f32x4_min>);
MEANING(f32x4_relaxed_max, Meaning<Opcode::f32x4_max>);
MEANING(f64x2_relaxed_min, Meaning<Opcode::f64x2_min>);
MEANING(f64x2_relaxed_max, Meaning<Opcode::f64x2_max>);
MEANING(i16x8_relaxed_q15mulr_s, Meaning<Opcode::i16x8_q15mulr_sat_s>);
MEANING(i16x8_relaxed_dot_i8x16_i7x16_s, internal::ByteDotProduct);
MEANING(i32x4_relaxed_dot_i8x16_i7x16_add_s, internal::ByteDotProductAdd);

static_assert(Meaning<Opcode::i16x8_relaxed_dot_i8x16_i7x16_s>::eval({{0x8080, 0}},
                                                                     {{0x8080, 0}}) ==
              V128{{0x7fff, 0}});

#undef MEANING

}  // namespace sojourn::vm
