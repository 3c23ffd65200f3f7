#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

/// Amounts as people type them: a number and a unit, without a space.
namespace sojourn {

/// Bytes: `65536`, `64K` or `64KiB` (1024 each), `64KB` (1000 each), and so with M and G.
/// Errors: invalid_argument, also for 0.
Result<std::uint64_t> parse_size(const std::string& text);

/// Nanoseconds: `200ms`, `1s`, `5m`, `1h`. Errors: invalid_argument, also for 0 and for more than
/// ten years.
Result<std::uint64_t> parse_duration(const std::string& text);

}  // namespace sojourn
