#pragma once

#include <type_traits>

#include "vm/wasm/meaning_base.hpp"

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

static_assert(MemoryMeaning<Opcode::i64_load8_s>::eval(-1) == -1);
static_assert(MemoryMeaning<Opcode::i64_load8_u>::eval(0xff) == 0xff);
static_assert(MemoryMeaning<Opcode::i32_store16>::eval(-1) == 0xffff);

}  // namespace sojourn::vm
