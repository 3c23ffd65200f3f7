#pragma once

#include "process/process.hpp"

namespace sojourn::process {

/// Refuses what this host lacks before anything is made: the heap mechanism, and with a limited
/// cache one that lets pages leave memory again. Errors: unsupported.
Result<void> check_host_supports(const Execution& execution);

/// Raises how many descriptors this host process may have to what it may choose, and answers how
/// many of them a guest may take: some are left for the runner.
std::uint32_t guest_descriptors_max();

}  // namespace sojourn::process
