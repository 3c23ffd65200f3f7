#pragma once

#include <cstddef>
#include <string_view>

namespace sojourn {

/// How many bytes must be inserted, removed or replaced to make one of the other (Levenshtein).
/// Takes time by the product of the two lengths.
std::size_t edit_distance(std::string_view from, std::string_view to);

}  // namespace sojourn
