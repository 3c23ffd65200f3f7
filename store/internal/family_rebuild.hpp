#pragma once

#include <map>
#include <set>

#include "store/internal/family_salvage.hpp"
#include "store/internal/new_process.hpp"

namespace sojourn::store {

/// What others know of the processes of a family.
struct KnownProcesses {
    FamilyId family;
    std::map<ProcessId, std::string> names;  ///< those that the catalogue lists
    bool is_complete = false;                ///< whoever is not listed is no process
};

struct RebuiltFamily {
    struct Loss {
        ProcessId process;
        Version checkpoint = kNoVersion;
        std::string why;
    };

    std::vector<ProcessRecord> processes;  ///< as they are now
    std::uint64_t checkpoints = 0;
    std::vector<Loss> lost;           ///< checkpoints that can't be read in full
    std::vector<ProcessId> set_back;  ///< stand at an older checkpoint than they did
    std::vector<ProcessId> gone;      ///< without a checkpoint that is left
};

/// Makes, in the new database `into`, the family of all checkpoints of `family` that can be read in
/// full, under their numbers, with their branches and tags, and of the processes that have one.
/// Errors: those of either database.
Result<RebuiltFamily> rebuild_family(const SalvagedFamily& family, const KnownProcesses& known,
                                     Environment& into);

}  // namespace sojourn::store
