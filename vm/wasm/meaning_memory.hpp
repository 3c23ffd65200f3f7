#pragma once

#include <type_traits>

#include "vm/wasm/meaning_base.hpp"
#include "vm/wasm/vector.hpp"

/// Widths and conversions of loads and stores.
namespace sojourn::vm {

namespace internal {

template <typename MemoryType, typename ValueType>
struct Load {
    using Memory = MemoryType;
    using Value = ValueType;
    static constexpr bool kIsLoad = true;
    static constexpr Value eval(Memory memory) { return static_cast<Value>(memory); }
};
template <typename MemoryType, typename ValueType>
struct Store {
    using Memory = MemoryType;
    using Value = ValueType;
    static constexpr bool kIsLoad = false;
    static constexpr Memory eval(Value value) { return static_cast<Memory>(value); }
};

}  // namespace internal

template <>
struct MemoryMeaning<Opcode::i32_load> : internal::Load<std::int32_t, std::int32_t> {};
template <>
struct MemoryMeaning<Opcode::i64_load> : internal::Load<std::int64_t, std::int64_t> {};
template <>
struct MemoryMeaning<Opcode::f32_load> : internal::Load<float, float> {};
template <>
struct MemoryMeaning<Opcode::f64_load> : internal::Load<double, double> {};
template <>
struct MemoryMeaning<Opcode::i32_load8_s> : internal::Load<std::int8_t, std::int32_t> {};
template <>
struct MemoryMeaning<Opcode::i32_load8_u> : internal::Load<std::uint8_t, std::int32_t> {};
template <>
struct MemoryMeaning<Opcode::i32_load16_s> : internal::Load<std::int16_t, std::int32_t> {};
template <>
struct MemoryMeaning<Opcode::i32_load16_u> : internal::Load<std::uint16_t, std::int32_t> {};
template <>
struct MemoryMeaning<Opcode::i64_load8_s> : internal::Load<std::int8_t, std::int64_t> {};
template <>
struct MemoryMeaning<Opcode::i64_load8_u> : internal::Load<std::uint8_t, std::int64_t> {};
template <>
struct MemoryMeaning<Opcode::i64_load16_s> : internal::Load<std::int16_t, std::int64_t> {};
template <>
struct MemoryMeaning<Opcode::i64_load16_u> : internal::Load<std::uint16_t, std::int64_t> {};
template <>
struct MemoryMeaning<Opcode::i64_load32_s> : internal::Load<std::int32_t, std::int64_t> {};
template <>
struct MemoryMeaning<Opcode::i64_load32_u> : internal::Load<std::uint32_t, std::int64_t> {};

template <>
struct MemoryMeaning<Opcode::i32_store> : internal::Store<std::int32_t, std::int32_t> {};
template <>
struct MemoryMeaning<Opcode::i64_store> : internal::Store<std::int64_t, std::int64_t> {};
template <>
struct MemoryMeaning<Opcode::f32_store> : internal::Store<float, float> {};
template <>
struct MemoryMeaning<Opcode::f64_store> : internal::Store<double, double> {};
template <>
struct MemoryMeaning<Opcode::i32_store8> : internal::Store<std::uint8_t, std::int32_t> {};
template <>
struct MemoryMeaning<Opcode::i32_store16> : internal::Store<std::uint16_t, std::int32_t> {};
template <>
struct MemoryMeaning<Opcode::i64_store8> : internal::Store<std::uint8_t, std::int64_t> {};
template <>
struct MemoryMeaning<Opcode::i64_store16> : internal::Store<std::uint16_t, std::int64_t> {};
template <>
struct MemoryMeaning<Opcode::i64_store32> : internal::Store<std::uint32_t, std::int64_t> {};

template <>
struct MemoryMeaning<Opcode::v128_load> : internal::Load<V128, V128> {};
template <>
struct MemoryMeaning<Opcode::v128_store> : internal::Store<V128, V128> {};

/// What an access to less than a vector is made of: a scalar access, and an instruction on vectors
/// behind a load or before a store.
struct VectorAccess {
    Opcode access;
    Opcode on_vector;  ///< nop: what was loaded is lane 0, the rest is zero
};

/// nullopt when `opcode` is no such access.
constexpr std::optional<VectorAccess> vector_access_of(Opcode opcode) {
    switch (opcode) {
        case Opcode::v128_load8x8_s:
            return VectorAccess{Opcode::i64_load, Opcode::i16x8_extend_low_i8x16_s};
        case Opcode::v128_load8x8_u:
            return VectorAccess{Opcode::i64_load, Opcode::i16x8_extend_low_i8x16_u};
        case Opcode::v128_load16x4_s:
            return VectorAccess{Opcode::i64_load, Opcode::i32x4_extend_low_i16x8_s};
        case Opcode::v128_load16x4_u:
            return VectorAccess{Opcode::i64_load, Opcode::i32x4_extend_low_i16x8_u};
        case Opcode::v128_load32x2_s:
            return VectorAccess{Opcode::i64_load, Opcode::i64x2_extend_low_i32x4_s};
        case Opcode::v128_load32x2_u:
            return VectorAccess{Opcode::i64_load, Opcode::i64x2_extend_low_i32x4_u};
        case Opcode::v128_load8_splat:
            return VectorAccess{Opcode::i32_load8_u, Opcode::i8x16_splat};
        case Opcode::v128_load16_splat:
            return VectorAccess{Opcode::i32_load16_u, Opcode::i16x8_splat};
        case Opcode::v128_load32_splat:
            return VectorAccess{Opcode::i32_load, Opcode::i32x4_splat};
        case Opcode::v128_load64_splat:
            return VectorAccess{Opcode::i64_load, Opcode::i64x2_splat};
        case Opcode::v128_load32_zero:
            return VectorAccess{Opcode::i32_load, Opcode::nop};
        case Opcode::v128_load64_zero:
            return VectorAccess{Opcode::i64_load, Opcode::nop};
        case Opcode::v128_load8_lane:
            return VectorAccess{Opcode::i32_load8_u, Opcode::i8x16_replace_lane};
        case Opcode::v128_load16_lane:
            return VectorAccess{Opcode::i32_load16_u, Opcode::i16x8_replace_lane};
        case Opcode::v128_load32_lane:
            return VectorAccess{Opcode::i32_load, Opcode::i32x4_replace_lane};
        case Opcode::v128_load64_lane:
            return VectorAccess{Opcode::i64_load, Opcode::i64x2_replace_lane};
        case Opcode::v128_store8_lane:
            return VectorAccess{Opcode::i32_store8, Opcode::i8x16_extract_lane_u};
        case Opcode::v128_store16_lane:
            return VectorAccess{Opcode::i32_store16, Opcode::i16x8_extract_lane_u};
        case Opcode::v128_store32_lane:
            return VectorAccess{Opcode::i32_store, Opcode::i32x4_extract_lane};
        case Opcode::v128_store64_lane:
            return VectorAccess{Opcode::i64_store, Opcode::i64x2_extract_lane};
        default:
            return std::nullopt;
    }
}

static_assert(MemoryMeaning<Opcode::i64_load8_s>::eval(-1) == -1);
static_assert(MemoryMeaning<Opcode::i64_load8_u>::eval(0xff) == 0xff);
static_assert(MemoryMeaning<Opcode::i32_store16>::eval(-1) == 0xffff);

}  // namespace sojourn::vm
