#pragma once

#include <utility>

#include "vm/wasm/meaning_float.hpp"
#include "vm/wasm/vector.hpp"

/// Vectors as bits and as lanes: what is the same whatever the lanes mean. An instruction that
/// names a lane takes its number as the last argument and says in kLanes how many there are.
namespace sojourn::vm {

namespace internal {

/// A lane as the scalar instructions see it.
template <typename Lane>
using Scalar = std::conditional_t<(sizeof(Lane) < 4), std::int32_t, Lane>;

template <typename Lane>
struct Splat {
    static constexpr V128 eval(Scalar<Lane> a) {
        return make_lanes<Lane>([a](std::size_t) { return a; });
    }
};
template <typename Lane>
struct ExtractLane {
    static constexpr std::uint8_t kLanes = kLaneCount<Lane>;
    static constexpr Scalar<Lane> eval(V128 a, std::uint32_t lane) {
        return lanes_of<Lane>(a)[lane];
    }
};
template <typename Lane>
struct ReplaceLane {
    static constexpr std::uint8_t kLanes = kLaneCount<Lane>;
    static constexpr V128 eval(V128 a, Scalar<Lane> b, std::uint32_t lane) {
        auto lanes = lanes_of<Lane>(a);
        lanes[lane] = static_cast<Lane>(b);
        return to_v128(lanes);
    }
};

/// Lanes beyond the last are zero.
struct Swizzle {
    static constexpr V128 eval(V128 a, V128 b) {
        const auto bytes = lanes_of<std::uint8_t>(a);
        const auto from = lanes_of<std::uint8_t>(b);
        return make_lanes<std::uint8_t>([&](std::size_t i) {
            return from[i] < bytes.size() ? bytes[from[i]] : std::uint8_t{0};
        });
    }
};
/// Lanes from 16 on are those of b.
struct Shuffle {
    static constexpr V128 eval(V128 a, V128 b, V128 from) {
        std::array<std::uint8_t, 2 * sizeof(V128)> bytes{};
        for (std::size_t i = 0; i < sizeof(V128); ++i) {
            bytes[i] = lanes_of<std::uint8_t>(a)[i];
            bytes[i + sizeof(V128)] = lanes_of<std::uint8_t>(b)[i];
        }
        return make_lanes<std::uint8_t>(
            [&](std::size_t i) { return bytes[lanes_of<std::uint8_t>(from)[i]]; });
    }
};

using Halves = LaneVector<std::uint64_t>;

struct VectorNot {
    static constexpr V128 eval(V128 a) { return to_v128<Halves>(~vector_of<std::uint64_t>(a)); }
};
struct VectorAnd {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128<Halves>(vector_of<std::uint64_t>(a) & vector_of<std::uint64_t>(b));
    }
};
struct VectorAndNot {
    static constexpr V128 eval(V128 a, V128 b) { return VectorAnd::eval(a, VectorNot::eval(b)); }
};
struct VectorOr {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128<Halves>(vector_of<std::uint64_t>(a) | vector_of<std::uint64_t>(b));
    }
};
struct VectorXor {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128<Halves>(vector_of<std::uint64_t>(a) ^ vector_of<std::uint64_t>(b));
    }
};
/// Where a bit of `mask` is set, that of a; else that of b.
struct BitSelect {
    static constexpr V128 eval(V128 a, V128 b, V128 mask) {
        return VectorOr::eval(VectorAnd::eval(a, mask), VectorAndNot::eval(b, mask));
    }
};
struct AnyTrue {
    static constexpr std::int32_t eval(V128 a) { return (a.halves[0] | a.halves[1]) != 0; }
};

template <typename Lane>
struct VectorEqual {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128(vector_of<Lane>(a) == vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorNotEqual {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128(vector_of<Lane>(a) != vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorLess {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128(vector_of<Lane>(a) < vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorGreater {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128(vector_of<Lane>(a) > vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorLessOrEqual {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128(vector_of<Lane>(a) <= vector_of<Lane>(b));
    }
};
template <typename Lane>
struct VectorGreaterOrEqual {
    static constexpr V128 eval(V128 a, V128 b) {
        return to_v128(vector_of<Lane>(a) >= vector_of<Lane>(b));
    }
};

}  // namespace internal

#define MEANING(name, ...) \
    template <>            \
    struct Meaning<Opcode::name> : internal::__VA_ARGS__ {}

MEANING(i8x16_shuffle, Shuffle);
MEANING(i8x16_swizzle, Swizzle);
MEANING(i8x16_splat, Splat<std::int8_t>);
MEANING(i16x8_splat, Splat<std::int16_t>);
MEANING(i32x4_splat, Splat<std::int32_t>);
MEANING(i64x2_splat, Splat<std::int64_t>);
MEANING(f32x4_splat, Splat<float>);
MEANING(f64x2_splat, Splat<double>);
MEANING(i8x16_extract_lane_s, ExtractLane<std::int8_t>);
MEANING(i8x16_extract_lane_u, ExtractLane<std::uint8_t>);
MEANING(i8x16_replace_lane, ReplaceLane<std::int8_t>);
MEANING(i16x8_extract_lane_s, ExtractLane<std::int16_t>);
MEANING(i16x8_extract_lane_u, ExtractLane<std::uint16_t>);
MEANING(i16x8_replace_lane, ReplaceLane<std::int16_t>);
MEANING(i32x4_extract_lane, ExtractLane<std::int32_t>);
MEANING(i32x4_replace_lane, ReplaceLane<std::int32_t>);
MEANING(i64x2_extract_lane, ExtractLane<std::int64_t>);
MEANING(i64x2_replace_lane, ReplaceLane<std::int64_t>);
MEANING(f32x4_extract_lane, ExtractLane<float>);
MEANING(f32x4_replace_lane, ReplaceLane<float>);
MEANING(f64x2_extract_lane, ExtractLane<double>);
MEANING(f64x2_replace_lane, ReplaceLane<double>);
MEANING(i8x16_eq, VectorEqual<std::int8_t>);
MEANING(i8x16_ne, VectorNotEqual<std::int8_t>);
MEANING(i8x16_lt_s, VectorLess<std::int8_t>);
MEANING(i8x16_lt_u, VectorLess<std::uint8_t>);
MEANING(i8x16_gt_s, VectorGreater<std::int8_t>);
MEANING(i8x16_gt_u, VectorGreater<std::uint8_t>);
MEANING(i8x16_le_s, VectorLessOrEqual<std::int8_t>);
MEANING(i8x16_le_u, VectorLessOrEqual<std::uint8_t>);
MEANING(i8x16_ge_s, VectorGreaterOrEqual<std::int8_t>);
MEANING(i8x16_ge_u, VectorGreaterOrEqual<std::uint8_t>);
MEANING(i16x8_eq, VectorEqual<std::int16_t>);
MEANING(i16x8_ne, VectorNotEqual<std::int16_t>);
MEANING(i16x8_lt_s, VectorLess<std::int16_t>);
MEANING(i16x8_lt_u, VectorLess<std::uint16_t>);
MEANING(i16x8_gt_s, VectorGreater<std::int16_t>);
MEANING(i16x8_gt_u, VectorGreater<std::uint16_t>);
MEANING(i16x8_le_s, VectorLessOrEqual<std::int16_t>);
MEANING(i16x8_le_u, VectorLessOrEqual<std::uint16_t>);
MEANING(i16x8_ge_s, VectorGreaterOrEqual<std::int16_t>);
MEANING(i16x8_ge_u, VectorGreaterOrEqual<std::uint16_t>);
MEANING(i32x4_eq, VectorEqual<std::int32_t>);
MEANING(i32x4_ne, VectorNotEqual<std::int32_t>);
MEANING(i32x4_lt_s, VectorLess<std::int32_t>);
MEANING(i32x4_lt_u, VectorLess<std::uint32_t>);
MEANING(i32x4_gt_s, VectorGreater<std::int32_t>);
MEANING(i32x4_gt_u, VectorGreater<std::uint32_t>);
MEANING(i32x4_le_s, VectorLessOrEqual<std::int32_t>);
MEANING(i32x4_le_u, VectorLessOrEqual<std::uint32_t>);
MEANING(i32x4_ge_s, VectorGreaterOrEqual<std::int32_t>);
MEANING(i32x4_ge_u, VectorGreaterOrEqual<std::uint32_t>);
MEANING(f32x4_eq, VectorEqual<float>);
MEANING(f32x4_ne, VectorNotEqual<float>);
MEANING(f32x4_lt, VectorLess<float>);
MEANING(f32x4_gt, VectorGreater<float>);
MEANING(f32x4_le, VectorLessOrEqual<float>);
MEANING(f32x4_ge, VectorGreaterOrEqual<float>);
MEANING(f64x2_eq, VectorEqual<double>);
MEANING(f64x2_ne, VectorNotEqual<double>);
MEANING(f64x2_lt, VectorLess<double>);
MEANING(f64x2_gt, VectorGreater<double>);
MEANING(f64x2_le, VectorLessOrEqual<double>);
MEANING(f64x2_ge, VectorGreaterOrEqual<double>);
MEANING(v128_not, VectorNot);
MEANING(v128_and, VectorAnd);
MEANING(v128_andnot, VectorAndNot);
MEANING(v128_or, VectorOr);
MEANING(v128_xor, VectorXor);
MEANING(v128_bitselect, BitSelect);
MEANING(v128_any_true, AnyTrue);
MEANING(i64x2_eq, VectorEqual<std::int64_t>);
MEANING(i64x2_ne, VectorNotEqual<std::int64_t>);
MEANING(i64x2_lt_s, VectorLess<std::int64_t>);
MEANING(i64x2_gt_s, VectorGreater<std::int64_t>);
MEANING(i64x2_le_s, VectorLessOrEqual<std::int64_t>);
MEANING(i64x2_ge_s, VectorGreaterOrEqual<std::int64_t>);

static_assert(Meaning<Opcode::i8x16_extract_lane_s>::eval({{0x80, 0}}, 0) == -128);
static_assert(Meaning<Opcode::i8x16_extract_lane_u>::eval({{0x80, 0}}, 0) == 128);
static_assert(Meaning<Opcode::i64x2_replace_lane>::eval({{1, 2}}, 3, 1) == V128{{1, 3}});
static_assert(Meaning<Opcode::i8x16_swizzle>::eval({{0x0807'0605'0403'0201, 0}}, {{0x1002, 0}}) ==
              V128{{0x0101'0101'0101'0003, 0x0101'0101'0101'0101}});
static_assert(Meaning<Opcode::v128_bitselect>::eval({{0xff, 0}}, {{0, 0xff}}, {{0x0f, 0x0f}}) ==
              V128{{0x0f, 0xf0}});
static_assert(Meaning<Opcode::i16x8_splat>::eval(0x12345) ==
              V128{{0x2345'2345'2345'2345, 0x2345'2345'2345'2345}});
static_assert(Meaning<Opcode::i8x16_lt_s>::eval({{0xff, 0}}, {{1, 0}}) == V128{{0xff, 0}});
static_assert(Meaning<Opcode::i8x16_lt_u>::eval({{0xff, 0}}, {{1, 0}}) == V128{{0, 0}});

#undef MEANING

}  // namespace sojourn::vm
