#pragma once

#include <string_view>

namespace sojourn::store {

/// Whether people can type it as a tag behind an `@`, where it must not be taken for a number or a
/// range: up to 64 letters, digits, `.`, `_` and `-`, a letter first, no `..`.
bool is_tag_name(std::string_view text);

}  // namespace sojourn::store
