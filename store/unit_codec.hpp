#pragma once

#include "store/types.hpp"

/// A unit as one value of the store: an encoding byte, a checksum bound to the unit's key, the
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

/// Encodes one unit of memory. Thread-safe: it is done outside any transaction. The checksum
/// covers `key` too, so that a value found under another key is noticed.
/// Requires: `raw` is at most kUnitBytesMax.
EncodedUnit encode_unit(UnitKey key, Bytes raw);

/// Fills `out` (exactly one unit) or says `corrupt` and names the unit. Allocates nothing: it runs
/// in the fault handler.
Result<void> decode_unit(UnitKey key, Bytes value, MutableBytes out);

}  // namespace sojourn::store
