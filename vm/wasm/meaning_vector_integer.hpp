#pragma once

#include <algorithm>

#include "vm/wasm/meaning_vector.hpp"

/// Vectors whose lanes are integers. Lanes are named by their C++ type, whose sign tells the signed
/// instructions from the unsigned ones; arithmetic that wraps is done on unsigned lanes.
namespace sojourn::vm {

namespace internal {

/// The lanes of `half` of a vector, widened: those of the lower half are 0 to kLaneCount / 2 - 1.
enum class Half : std::uint8_t { low, high };
template <typename Narrow>
constexpr std::size_t first_lane(Half half) {
    return half == Half::low ? 0 : kLaneCount<Narrow> / 2;
}

template <typename Narrow, typename Wide>
constexpr Narrow saturated(Wide value) {
    return static_cast<Narrow>(std::clamp<Wide>(value, std::numeric_limits<Narrow>::min(),
                                                std::numeric_limits<Narrow>::max()));
}

/// Lane i of the result is Scalar::eval of the lanes i.
template <typename Lane, typename ScalarMeaning>
struct EachLane {
    static constexpr V128 eval(V128 a) {
        const auto left = lanes_of<Lane>(a);
        return make_lanes<Lane>([&](std::size_t i) { return ScalarMeaning::eval(left[i]); });
    }
    static constexpr V128 eval(V128 a, V128 b) {
        const auto left = lanes_of<Lane>(a);
        const auto right = lanes_of<Lane>(b);
        return make_lanes<Lane>(
            [&](std::size_t i) { return ScalarMeaning::eval(left[i], right[i]); });
    }
};

template <typename Lane>
struct VectorAdd {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128<LaneVector<Lane>>(vector_of<Lane>(a) + vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorSubtract {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128<LaneVector<Lane>>(vector_of<Lane>(a) - vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorMultiply {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128<LaneVector<Lane>>(vector_of<Lane>(a) * vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorNegate {
    static constexpr V128 eval(V128 a) { return VectorSubtract<Lane>::eval({}, a); }
};
/// Of a signed lane: the lowest number stays what it is.
template <typename Lane>
struct VectorAbsolute {
    static constexpr V128 eval(V128 a) {
        const V128 negative = VectorLess<Lane>::eval(a, {});
        using Bits = std::make_unsigned_t<Lane>;
        return VectorSubtract<Bits>::eval(VectorXor::eval(a, negative), negative);
    }
};

/// Shifts count modulo the width of a lane.
template <typename Lane>
constexpr Lane lane_shift(std::int32_t count) {
    return static_cast<Lane>(static_cast<std::uint32_t>(count) % (8 * sizeof(Lane)));
}
template <typename Lane>
struct VectorShiftLeft {
    static constexpr V128 eval(V128 a, std::int32_t b) {
        return to_v128<LaneVector<Lane>>(vector_of<Lane>(a) << lane_shift<Lane>(b));
    }
};
template <typename Lane>
struct VectorShiftRight {
    static constexpr V128 eval(V128 a, std::int32_t b) {
        return to_v128<LaneVector<Lane>>(vector_of<Lane>(a) >> lane_shift<Lane>(b));
    }
};

template <typename Lane>
struct VectorMinimum {
    static constexpr V128 eval(V128 a, V128 b) {
        return BitSelect::eval(a, b, VectorLess<Lane>::eval(a, b));
    }
};
template <typename Lane>
struct VectorMaximum {
    static constexpr V128 eval(V128 a, V128 b) {
        return BitSelect::eval(a, b, VectorGreater<Lane>::eval(a, b));
    }
};

template <typename Lane>
struct AddSaturating {
    static constexpr Lane eval(std::int32_t a, std::int32_t b) { return saturated<Lane>(a + b); }
};
template <typename Lane>
struct SubtractSaturating {
    static constexpr Lane eval(std::int32_t a, std::int32_t b) { return saturated<Lane>(a - b); }
};
/// Rounds up.
struct Average {
    static constexpr std::int32_t eval(std::int32_t a, std::int32_t b) { return (a + b + 1) / 2; }
};
/// Numbers of 15 fractional bits, rounded to the nearest.
struct MultiplyQ15 {
    static constexpr std::int16_t eval(std::int32_t a, std::int32_t b) {
        return saturated<std::int16_t>((a * b + 0x4000) >> 15);
    }
};
struct BitCount {
    static constexpr std::int32_t eval(std::uint8_t a) { return std::popcount(a); }
};

template <typename Lane>
struct AllTrue {
    static constexpr std::int32_t eval(V128 a) {
        return !AnyTrue::eval(VectorEqual<Lane>::eval(a, {}));
    }
};
/// The sign bits, that of lane 0 lowest.
template <typename Lane>
struct Bitmask {
    static constexpr std::int32_t eval(V128 a) {
        const auto lanes = lanes_of<Lane>(a);
        std::uint32_t mask = 0;
        for (std::size_t i = 0; i < lanes.size(); ++i)
            mask |= std::uint32_t{lanes[i] < 0} << i;
        return static_cast<std::int32_t>(mask);
    }
};

/// The lanes of a, then those of b, from signed wide ones.
template <typename Wide, typename Narrow>
struct VectorNarrow {
    static constexpr V128 eval(V128 a, V128 b) {
        const auto low = lanes_of<Wide>(a);
        const auto high = lanes_of<Wide>(b);
        return make_lanes<Narrow>([&](std::size_t i) {
            return saturated<Narrow>(i < low.size() ? low[i] : high[i - low.size()]);
        });
    }
};
template <typename Narrow, typename Wide, Half half>
struct VectorExtend {
    static constexpr V128 eval(V128 a) {
        const auto lanes = lanes_of<Narrow>(a);
        return make_lanes<Wide>([&](std::size_t i) { return lanes[first_lane<Narrow>(half) + i]; });
    }
};
template <typename Narrow, typename Wide, Half half>
struct ExtendMultiply {
    static constexpr V128 eval(V128 a, V128 b) {
        using Extend = VectorExtend<Narrow, Wide, half>;
        return VectorMultiply<std::make_unsigned_t<Wide>>::eval(Extend::eval(a), Extend::eval(b));
    }
};
template <typename Narrow, typename Wide>
struct ExtendAddPairs {
    static constexpr V128 eval(V128 a) {
        const auto lanes = lanes_of<Narrow>(a);
        return make_lanes<Wide>([&](std::size_t i) { return lanes[2 * i] + lanes[2 * i + 1]; });
    }
};
/// Sums of two products. One overflows, of the lowest numbers alone, and wraps.
struct DotProduct {
    static constexpr V128 eval(V128 a, V128 b) {
        const auto left = lanes_of<std::int16_t>(a);
        const auto right = lanes_of<std::int16_t>(b);
        const auto product = [&](std::size_t i) {
            return static_cast<std::uint32_t>(std::int32_t{left[i]} * right[i]);
        };
        return make_lanes<std::uint32_t>(
            [&](std::size_t i) { return product(2 * i) + product(2 * i + 1); });
    }
};

}  // namespace internal

#define MEANING(name, ...) \
    template <>            \
    struct Meaning<Opcode::name> : internal::__VA_ARGS__ {}

MEANING(i8x16_abs, VectorAbsolute<std::int8_t>);
MEANING(i8x16_neg, VectorNegate<std::uint8_t>);
MEANING(i8x16_popcnt, EachLane<std::uint8_t, internal::BitCount>);
MEANING(i8x16_all_true, AllTrue<std::uint8_t>);
MEANING(i8x16_bitmask, Bitmask<std::int8_t>);
MEANING(i8x16_narrow_i16x8_s, VectorNarrow<std::int16_t, std::int8_t>);
MEANING(i8x16_narrow_i16x8_u, VectorNarrow<std::int16_t, std::uint8_t>);
MEANING(i8x16_shl, VectorShiftLeft<std::uint8_t>);
MEANING(i8x16_shr_s, VectorShiftRight<std::int8_t>);
MEANING(i8x16_shr_u, VectorShiftRight<std::uint8_t>);
MEANING(i8x16_add, VectorAdd<std::uint8_t>);
MEANING(i8x16_add_sat_s, EachLane<std::int8_t, internal::AddSaturating<std::int8_t>>);
MEANING(i8x16_add_sat_u, EachLane<std::uint8_t, internal::AddSaturating<std::uint8_t>>);
MEANING(i8x16_sub, VectorSubtract<std::uint8_t>);
MEANING(i8x16_sub_sat_s, EachLane<std::int8_t, internal::SubtractSaturating<std::int8_t>>);
MEANING(i8x16_sub_sat_u, EachLane<std::uint8_t, internal::SubtractSaturating<std::uint8_t>>);
MEANING(i8x16_min_s, VectorMinimum<std::int8_t>);
MEANING(i8x16_min_u, VectorMinimum<std::uint8_t>);
MEANING(i8x16_max_s, VectorMaximum<std::int8_t>);
MEANING(i8x16_max_u, VectorMaximum<std::uint8_t>);
MEANING(i8x16_avgr_u, EachLane<std::uint8_t, internal::Average>);
MEANING(i16x8_extadd_pairwise_i8x16_s, ExtendAddPairs<std::int8_t, std::int16_t>);
MEANING(i16x8_extadd_pairwise_i8x16_u, ExtendAddPairs<std::uint8_t, std::uint16_t>);
MEANING(i32x4_extadd_pairwise_i16x8_s, ExtendAddPairs<std::int16_t, std::int32_t>);
MEANING(i32x4_extadd_pairwise_i16x8_u, ExtendAddPairs<std::uint16_t, std::uint32_t>);
MEANING(i16x8_abs, VectorAbsolute<std::int16_t>);
MEANING(i16x8_neg, VectorNegate<std::uint16_t>);
MEANING(i16x8_q15mulr_sat_s, EachLane<std::int16_t, internal::MultiplyQ15>);
MEANING(i16x8_all_true, AllTrue<std::uint16_t>);
MEANING(i16x8_bitmask, Bitmask<std::int16_t>);
MEANING(i16x8_narrow_i32x4_s, VectorNarrow<std::int32_t, std::int16_t>);
MEANING(i16x8_narrow_i32x4_u, VectorNarrow<std::int32_t, std::uint16_t>);
MEANING(i16x8_extend_low_i8x16_s, VectorExtend<std::int8_t, std::int16_t, internal::Half::low>);
MEANING(i16x8_extend_high_i8x16_s, VectorExtend<std::int8_t, std::int16_t, internal::Half::high>);
MEANING(i16x8_extend_low_i8x16_u, VectorExtend<std::uint8_t, std::uint16_t, internal::Half::low>);
MEANING(i16x8_extend_high_i8x16_u, VectorExtend<std::uint8_t, std::uint16_t, internal::Half::high>);
MEANING(i16x8_shl, VectorShiftLeft<std::uint16_t>);
MEANING(i16x8_shr_s, VectorShiftRight<std::int16_t>);
MEANING(i16x8_shr_u, VectorShiftRight<std::uint16_t>);
MEANING(i16x8_add, VectorAdd<std::uint16_t>);
MEANING(i16x8_add_sat_s, EachLane<std::int16_t, internal::AddSaturating<std::int16_t>>);
MEANING(i16x8_add_sat_u, EachLane<std::uint16_t, internal::AddSaturating<std::uint16_t>>);
MEANING(i16x8_sub, VectorSubtract<std::uint16_t>);
MEANING(i16x8_sub_sat_s, EachLane<std::int16_t, internal::SubtractSaturating<std::int16_t>>);
MEANING(i16x8_sub_sat_u, EachLane<std::uint16_t, internal::SubtractSaturating<std::uint16_t>>);
MEANING(i16x8_mul, VectorMultiply<std::uint16_t>);
MEANING(i16x8_min_s, VectorMinimum<std::int16_t>);
MEANING(i16x8_min_u, VectorMinimum<std::uint16_t>);
MEANING(i16x8_max_s, VectorMaximum<std::int16_t>);
MEANING(i16x8_max_u, VectorMaximum<std::uint16_t>);
MEANING(i16x8_avgr_u, EachLane<std::uint16_t, internal::Average>);
MEANING(i16x8_extmul_low_i8x16_s, ExtendMultiply<std::int8_t, std::int16_t, internal::Half::low>);
MEANING(i16x8_extmul_high_i8x16_s, ExtendMultiply<std::int8_t, std::int16_t, internal::Half::high>);
MEANING(i16x8_extmul_low_i8x16_u, ExtendMultiply<std::uint8_t, std::uint16_t, internal::Half::low>);
MEANING(i16x8_extmul_high_i8x16_u,
        ExtendMultiply<std::uint8_t, std::uint16_t, internal::Half::high>);
MEANING(i32x4_abs, VectorAbsolute<std::int32_t>);
MEANING(i32x4_neg, VectorNegate<std::uint32_t>);
MEANING(i32x4_all_true, AllTrue<std::uint32_t>);
MEANING(i32x4_bitmask, Bitmask<std::int32_t>);
MEANING(i32x4_extend_low_i16x8_s, VectorExtend<std::int16_t, std::int32_t, internal::Half::low>);
MEANING(i32x4_extend_high_i16x8_s, VectorExtend<std::int16_t, std::int32_t, internal::Half::high>);
MEANING(i32x4_extend_low_i16x8_u, VectorExtend<std::uint16_t, std::uint32_t, internal::Half::low>);
MEANING(i32x4_extend_high_i16x8_u,
        VectorExtend<std::uint16_t, std::uint32_t, internal::Half::high>);
MEANING(i32x4_shl, VectorShiftLeft<std::uint32_t>);
MEANING(i32x4_shr_s, VectorShiftRight<std::int32_t>);
MEANING(i32x4_shr_u, VectorShiftRight<std::uint32_t>);
MEANING(i32x4_add, VectorAdd<std::uint32_t>);
MEANING(i32x4_sub, VectorSubtract<std::uint32_t>);
MEANING(i32x4_mul, VectorMultiply<std::uint32_t>);
MEANING(i32x4_min_s, VectorMinimum<std::int32_t>);
MEANING(i32x4_min_u, VectorMinimum<std::uint32_t>);
MEANING(i32x4_max_s, VectorMaximum<std::int32_t>);
MEANING(i32x4_max_u, VectorMaximum<std::uint32_t>);
MEANING(i32x4_dot_i16x8_s, DotProduct);
MEANING(i32x4_extmul_low_i16x8_s, ExtendMultiply<std::int16_t, std::int32_t, internal::Half::low>);
MEANING(i32x4_extmul_high_i16x8_s,
        ExtendMultiply<std::int16_t, std::int32_t, internal::Half::high>);
MEANING(i32x4_extmul_low_i16x8_u,
        ExtendMultiply<std::uint16_t, std::uint32_t, internal::Half::low>);
MEANING(i32x4_extmul_high_i16x8_u,
        ExtendMultiply<std::uint16_t, std::uint32_t, internal::Half::high>);
MEANING(i64x2_abs, VectorAbsolute<std::int64_t>);
MEANING(i64x2_neg, VectorNegate<std::uint64_t>);
MEANING(i64x2_all_true, AllTrue<std::uint64_t>);
MEANING(i64x2_bitmask, Bitmask<std::int64_t>);
MEANING(i64x2_extend_low_i32x4_s, VectorExtend<std::int32_t, std::int64_t, internal::Half::low>);
MEANING(i64x2_extend_high_i32x4_s, VectorExtend<std::int32_t, std::int64_t, internal::Half::high>);
MEANING(i64x2_extend_low_i32x4_u, VectorExtend<std::uint32_t, std::uint64_t, internal::Half::low>);
MEANING(i64x2_extend_high_i32x4_u,
        VectorExtend<std::uint32_t, std::uint64_t, internal::Half::high>);
MEANING(i64x2_shl, VectorShiftLeft<std::uint64_t>);
MEANING(i64x2_shr_s, VectorShiftRight<std::int64_t>);
MEANING(i64x2_shr_u, VectorShiftRight<std::uint64_t>);
MEANING(i64x2_add, VectorAdd<std::uint64_t>);
MEANING(i64x2_sub, VectorSubtract<std::uint64_t>);
MEANING(i64x2_mul, VectorMultiply<std::uint64_t>);
MEANING(i64x2_extmul_low_i32x4_s, ExtendMultiply<std::int32_t, std::int64_t, internal::Half::low>);
MEANING(i64x2_extmul_high_i32x4_s,
        ExtendMultiply<std::int32_t, std::int64_t, internal::Half::high>);
MEANING(i64x2_extmul_low_i32x4_u,
        ExtendMultiply<std::uint32_t, std::uint64_t, internal::Half::low>);
MEANING(i64x2_extmul_high_i32x4_u,
        ExtendMultiply<std::uint32_t, std::uint64_t, internal::Half::high>);

static_assert(Meaning<Opcode::i8x16_add_sat_s>::eval({{0x80'7f, 0}}, {{0xff'01, 0}}) ==
              V128{{0x80'7f, 0}});
static_assert(Meaning<Opcode::i8x16_abs>::eval({{0x80'ff, 0}}) == V128{{0x80'01, 0}});
static_assert(Meaning<Opcode::i16x8_shr_s>::eval({{0x8000, 0}}, 17) == V128{{0xc000, 0}});
static_assert(Meaning<Opcode::i16x8_q15mulr_sat_s>::eval({{0x8000, 0}}, {{0x8000, 0}}) ==
              V128{{0x7fff, 0}});
static_assert(Meaning<Opcode::i32x4_dot_i16x8_s>::eval({{0x8000'8000, 0}}, {{0x8000'8000, 0}}) ==
              V128{{0x8000'0000, 0}});
static_assert(Meaning<Opcode::i8x16_narrow_i16x8_u>::eval({{0xffff'0100, 0}}, {{1, 0}}) ==
              V128{{0x00ff, 1}});
static_assert(Meaning<Opcode::i64x2_extmul_high_i32x4_s>::eval({{0, 0xffff'ffff}}, {{0, 2}}) ==
              V128{{UINT64_MAX - 1, 0}});
static_assert(Meaning<Opcode::i8x16_bitmask>::eval({{0x80, 0x8000'0000'0000'0000}}) == 0x8001);

#undef MEANING

}  // namespace sojourn::vm
