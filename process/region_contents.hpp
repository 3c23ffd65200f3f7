#pragma once

#include "store/usage.hpp"

namespace sojourn::process {

/// What the regions of a checkpoint are, for who measures a store of units of `unit_bytes`. Of one
/// that can't be read, nothing is known.
store::FindContents region_contents(std::size_t unit_bytes);

}  // namespace sojourn::process
