#pragma once

#include <optional>

#include "leases/file_history.hpp"
#include "process/attachment.hpp"
#include "store/store.hpp"

/// How far back the history of a process's files must reach.
namespace sojourn::process {

/// The moment of its oldest checkpoint: what is older nobody can go back to. nullopt: there is no
/// checkpoint of its own. Errors: those of reading it.
Result<std::optional<leases::HistoryPosition>> oldest_file_moment(const store::Family& family,
                                                                  store::ProcessId process);

/// Removes what is older, of a process that is not running. Requires: the caller holds its lock.
Result<void> drop_old_file_history(store::Store& store, const store::ProcessRecord& process);

/// What the history takes on the disk. May be called while the process runs.
std::uint64_t file_history_bytes(const store::Store& store, const store::ProcessRecord& process);

}  // namespace sojourn::process
