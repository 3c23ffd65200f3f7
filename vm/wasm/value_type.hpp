#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sojourn::vm {

/// What a reference refers to (specification 2.3.4): an abstract heap type by its encoding, or the
/// types section's type `index` as type_index_heap(index).
enum class HeapType : std::uint32_t {
    bottom = 0,  ///< of a reference that unreachable code has: fits every other; not encoded
    noexn = 0x74,
    nofunc = 0x73,
    noextern = 0x72,
    none = 0x71,
    func = 0x70,
    extern_ = 0x6f,
    any = 0x6e,
    eq = 0x6d,
    i31 = 0x6c,
    struct_ = 0x6b,
    array = 0x6a,
    exn = 0x69,
};

inline constexpr std::uint32_t kFirstIndexHeap = 0x100;

constexpr HeapType type_index_heap(std::uint32_t index) {
    return static_cast<HeapType>(kFirstIndexHeap + index);
}
constexpr bool is_type_index(HeapType heap) {
    return static_cast<std::uint32_t>(heap) >= kFirstIndexHeap;
}
/// Requires: is_type_index().
constexpr std::uint32_t type_index_of(HeapType heap) {
    return static_cast<std::uint32_t>(heap) - kFirstIndexHeap;
}
constexpr bool is_abstract_heap(std::uint32_t code) {
    return code >= 0x69 && code <= 0x74;
}

/// A number by its encoding (specification 5.3.1), or a reference: its heap type, with a bit for
/// one that is not null. So a nullable reference to an abstract heap type is its encoding as well.
enum class ValueType : std::uint32_t {
    i32 = 0x7f,
    i64 = 0x7e,
    f32 = 0x7d,
    f64 = 0x7c,
    v128 = 0x7b,
    funcref = 0x70,
    externref = 0x6f,
    exnref = 0x69,
};

namespace internal {
inline constexpr std::uint32_t kNotNull = std::uint32_t{1} << 31U;
}

constexpr ValueType reference_to(HeapType heap, bool is_nullable) {
    return static_cast<ValueType>(static_cast<std::uint32_t>(heap) |
                                  (is_nullable ? 0U : internal::kNotNull));
}
constexpr ValueType reference_to_type(std::uint32_t type_index, bool is_nullable) {
    return reference_to(type_index_heap(type_index), is_nullable);
}
/// Requires: is_reference().
constexpr HeapType heap_of(ValueType type) {
    return static_cast<HeapType>(static_cast<std::uint32_t>(type) & ~internal::kNotNull);
}
constexpr bool is_reference(ValueType type) {
    return static_cast<std::uint32_t>(type) >= kFirstIndexHeap ||
           is_abstract_heap(static_cast<std::uint32_t>(type));
}
/// Of a reference that is not null.
constexpr bool is_not_null(ValueType type) {
    return (static_cast<std::uint32_t>(type) & internal::kNotNull) != 0;
}
constexpr ValueType not_null(ValueType reference) {
    return reference_to(heap_of(reference), false);
}
constexpr ValueType nullable(ValueType reference) {
    return reference_to(heap_of(reference), true);
}
/// A local of it has a value before it is set.
constexpr bool is_defaultable(ValueType type) {
    return !is_not_null(type);
}

static_assert(reference_to(HeapType::func, true) == ValueType::funcref);
static_assert(is_reference(reference_to(HeapType::bottom, false)));
static_assert(!is_reference(ValueType::f64));

/// How many slots of 8 bytes a value takes in a frame, in a region of globals, as an argument.
constexpr std::uint32_t slots_of(ValueType type) {
    return type == ValueType::v128 ? 2 : 1;
}
constexpr std::uint32_t slots_of(std::span<const ValueType> types) {
    std::uint32_t slots = 0;
    for (const ValueType type : types)
        slots += slots_of(type);
    return slots;
}

std::string text_of(HeapType heap);
std::string text_of(ValueType type);

}  // namespace sojourn::vm
