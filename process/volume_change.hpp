#pragma once

#include <functional>

#include "leases/volume/volumes.hpp"
#include "process/process.hpp"

namespace sojourn::process {

/// Changes volumes of a process that does not run, and stores that as its next checkpoint, which
/// differs from the newest in nothing else. After an error of `change` nothing is stored.
/// Errors: busy, with the remedy, while it runs; invalid_argument when it has ended; and those of
/// the store.
Result<store::CheckpointInfo> change_volumes(
    const Execution& execution, const std::string& process, const HostProcess& host,
    const std::string& message, const std::function<Result<void>(leases::Volumes&)>& change);

}  // namespace sojourn::process
