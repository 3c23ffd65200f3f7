#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace sojourn::store {

/// XXH3-64: finds accidents, not attackers.
std::uint64_t checksum_of(Bytes bytes, std::uint64_t seed = 0);

}  // namespace sojourn::store
