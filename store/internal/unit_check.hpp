#pragma once

#include "store/unit_codec.hpp"

namespace sojourn::store {

/// That the value is as encode_unit() made it for `key`, without decompressing it. Allocates
/// nothing unless it fails. Errors: corrupt, naming the unit.
Result<void> check_unit(UnitKey key, Bytes value);

}  // namespace sojourn::store
