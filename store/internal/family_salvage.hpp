#pragma once

#include "store/internal/family_tables.hpp"
#include "store/internal/salvage.hpp"

namespace sojourn::store {

/// What was to be had of a family's database, in a sound one of its own: every entry that holds by
/// itself. What they have to do with each other is not looked at.
struct SalvagedFamily {
    std::shared_ptr<Environment> entries;
    std::vector<std::string> problems;  ///< one sentence each
    std::vector<LostKeys> lost;
};

/// Into the empty folder `into`. `unit_bytes`: of the store, for a family that has lost the record
/// of its own. Errors: as salvage_database().
Result<SalvagedFamily> salvage_family(const std::filesystem::path& directory,
                                      const std::filesystem::path& into, std::size_t unit_bytes);

}  // namespace sojourn::store
