#pragma once

#include <random>

#include "tests/fuzz/target.hpp"

namespace sojourn::fuzz {

/// One of `seeds`, changed in a few places. The same random numbers give the same bytes.
/// Requires: there are seeds.
ByteVector mutated(const Seeds& seeds, std::mt19937& random);

}  // namespace sojourn::fuzz
