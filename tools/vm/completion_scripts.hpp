#pragma once

#include <optional>
#include <string_view>

namespace sojourn::tools {

/// What a shell loads so that it completes the words behind `vm`: it asks `vm complete`, each time,
/// so that nothing in it has to be kept in step. nullopt for a shell that is not known.
std::optional<std::string_view> completion_script(std::string_view shell);

}  // namespace sojourn::tools
