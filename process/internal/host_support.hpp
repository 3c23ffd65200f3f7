#pragma once

#include "process/process.hpp"

namespace sojourn::process {

/// Refuses what this host lacks before anything is made: the heap mechanism, and with a limited
/// cache one that lets pages leave memory again. Errors: unsupported.
Result<void> check_host_supports(const Execution& execution);

}  // namespace sojourn::process
