#pragma once

#include <string>
#include <string_view>

namespace sojourn {

/// UTF-8 with every control character as `\x1b`: for names that a guest chose, before they reach
/// somebody's terminal.
std::string printable(std::string_view text);

/// The same, and of a long one the beginning: for a line of text.
std::string printable_excerpt(std::string_view text);

}  // namespace sojourn
