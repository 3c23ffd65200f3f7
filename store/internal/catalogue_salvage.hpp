#pragma once

#include <functional>
#include <map>
#include <set>

#include "store/internal/catalogue.hpp"

namespace sojourn::store {

/// What was to be had of a catalogue.
struct SalvagedCatalogue {
    std::size_t unit_bytes = 0;    ///< 0: not known
    std::string checkpoint_place;  ///< where the processes are instead; empty: here
    std::map<ProcessId, ListedProcess> processes;
    bool are_processes_complete = true;  ///< no other was listed
    std::map<ProcessId, ByteVector> grants;
    std::vector<std::string> problems;  ///< one sentence each
};

/// Gives `take_module` each module whose bytes have its digest. A catalogue of which nothing is
/// left is a problem, no error. Errors: busy, io, those of `take_module`.
Result<SalvagedCatalogue> salvage_catalogue(
    const std::filesystem::path& directory,
    const std::function<Result<void>(Bytes module)>& take_module);

}  // namespace sojourn::store
