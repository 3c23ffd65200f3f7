#pragma once

#include "leases/admission.hpp"
#include "store/store.hpp"

/// What the user of this host lets a process reach, in the store.
namespace sojourn::process {

/// Of a process that begins: whatever it holds came from the command line.
Result<void> keep_grants(const leases::LeaseManager& leases, store::Store& store,
                         const store::ProcessRecord& process);

/// Errors: those of the store.
Result<leases::Grants> kept_grants(const store::Store& store, const store::ProcessRecord& process);

/// Nothing is written when they are `before`.
Result<void> keep_grants(const leases::Grants& grants, const leases::Grants& before,
                         store::Store& store, const store::ProcessRecord& process);

}  // namespace sojourn::process
