#pragma once

#include "store/types.hpp"

/// A unit as one value of the store: a checksum bound to the unit's key, an encoding byte, the
/// payload (nothing for zeros, raw, or one zstd frame of level 1). See docs/formats/store.md.
namespace sojourn::store {

struct UnitKey {
    RegionId region{0};
    UnitIndex unit{0};

    auto operator<=>(const UnitKey&) const = default;
};

struct EncodedUnit {
    UnitKey key;
    ByteVector value;
};

/// The longest value encode_unit() makes.
inline constexpr std::size_t kUnitValueBytesMax = kUnitBytesMax + 9;

/// Encodes one unit of memory. Thread-safe: it is done outside any transaction. The checksum
/// covers `key` too, so that a value found under another key is noticed.
/// Requires: `raw` is at most kUnitBytesMax.
EncodedUnit encode_unit(UnitKey key, Bytes raw);

/// Fills `out` (exactly one unit) or says `corrupt` and names the unit. Allocates nothing unless it
/// fails: it runs in the fault handler.
Result<void> decode_unit(UnitKey key, Bytes value, MutableBytes out);

}  // namespace sojourn::store
