#pragma once

#include <nlohmann/json.hpp>

#include "process/control_protocol.hpp"

/// How a runner runs the guest's code, as it is told on its socket.
namespace sojourn::process {

nlohmann::json object_of(const CodeUse& code);
/// Trusts nothing. Errors: corrupt.
Result<CodeUse> code_in(const nlohmann::json& object);

}  // namespace sojourn::process
