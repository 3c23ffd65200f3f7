#pragma once

#include <string>
#include <vector>

#include "leases/lease.hpp"
#include "tools/vm/output.hpp"

/// Leases as `vm leases` shows them.
namespace sojourn::tools {

/// Its row in `vm leases --json`.
Json json_of(const leases::Lease& lease);

Result<void> print_leases(const std::vector<leases::Lease>& leases);

}  // namespace sojourn::tools
