#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace sojourn::heap {

/// Copies whole pages that others may be writing to, or were until they were protected a moment
/// ago: what keeps the copy right is the caller's to know, and nothing a sanitizer can see.
void racing_copy(const std::byte* from, std::byte* to, std::uint64_t length);

}  // namespace sojourn::heap
