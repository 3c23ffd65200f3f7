#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sojourn::vm {

/// A value of type v128: 16 bytes, lane 0 first, whatever its lanes are.
struct V128 {
    std::array<std::uint64_t, 2> halves;  ///< the low one first: its two slots

    bool operator==(const V128&) const = default;
};
static_assert(sizeof(V128) == 16);

template <typename Lane>
inline constexpr std::size_t kLaneCount = sizeof(V128) / sizeof(Lane);

/// The lanes one by one.
template <typename Lane>
using LaneArray = std::array<Lane, kLaneCount<Lane>>;

namespace internal {
template <typename Lane>
struct LaneVectorOf {
    typedef Lane type [[gnu::vector_size(sizeof(V128))]];
};
}  // namespace internal

/// The lanes as a vector of the compiler's: operators work lane by lane, a comparison gives lanes
/// of ones or of zeros.
template <typename Lane>
using LaneVector = typename internal::LaneVectorOf<Lane>::type;

template <typename Lane>
constexpr LaneArray<Lane> lanes_of(V128 value) {
    return std::bit_cast<LaneArray<Lane>>(value);
}
template <typename Lane>
constexpr LaneVector<Lane> vector_of(V128 value) {
    return std::bit_cast<LaneVector<Lane>>(value);
}

/// From a LaneArray or a LaneVector.
template <typename Lanes>
constexpr V128 to_v128(const Lanes& lanes) {
    return std::bit_cast<V128>(lanes);
}

/// Its lane i is lane_at(i).
template <typename Lane, typename LaneAt>
constexpr V128 make_lanes(LaneAt lane_at) {
    LaneArray<Lane> lanes{};
    for (std::size_t i = 0; i < lanes.size(); ++i)
        lanes[i] = static_cast<Lane>(lane_at(i));
    return to_v128(lanes);
}

}  // namespace sojourn::vm
