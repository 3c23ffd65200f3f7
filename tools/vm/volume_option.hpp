#pragma once

#include <string>
#include <vector>

#include "vm/host/dispatcher.hpp"

namespace sojourn::tools {

/// Each `NAME::GUEST[:ro][,size=SIZE]`. Errors: invalid_argument, naming what is not understood.
Result<std::vector<vm::VolumeGrant>> parse_volumes(const std::vector<std::string>& texts);

}  // namespace sojourn::tools
