#pragma once

#include "process/process.hpp"

namespace sojourn::process {

/// That a process which came in an image can be made to run by this build: that its state fits its
/// code. It is restored and let go again; nothing of this host is touched for it. `unit_bytes` are
/// the store's. Errors: corrupt, unsupported, unsupported_format, unlinkable_module,
/// malformed_module, invalid_module, not_found (a module). What this host alone lacks is none.
Result<void> check_imported(std::shared_ptr<store::Family> family, store::FencingToken token,
                            std::size_t unit_bytes, const vm::ModuleSource& modules,
                            const HostProcess& host);

}  // namespace sojourn::process
