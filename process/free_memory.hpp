#pragma once

#include <cstdint>

namespace sojourn::process {

/// How much memory a runner may take before the host or its control group swaps or kills: what the
/// kernel says is available, or the limit of the control group (version 2) if that is smaller.
/// UINT64_MAX when neither can be read.
std::uint64_t free_memory_bytes();

}  // namespace sojourn::process
