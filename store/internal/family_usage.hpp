#pragma once

#include "store/internal/environment.hpp"
#include "store/usage.hpp"

namespace sojourn::store {

/// The part of StoreUsage that one family has, and its processes by id.
struct FamilyUsage {
    std::uint64_t memory = 0;
    std::uint64_t volumes = 0;
    std::uint64_t machine_states = 0;
    std::uint64_t pending = 0;
    std::uint64_t free = 0;
    std::map<ProcessId, ProcessUsage> processes;

    [[nodiscard]] std::uint64_t values() const {
        return memory + volumes + machine_states + pending;
    }
};

using FindContentsOf = std::function<std::map<RegionId, UnitContent>(Version checkpoint)>;

/// Looks at every key of one moment, and at no value. Errors: those of the database.
Result<FamilyUsage> measure_family(const Environment& environment,
                                   const FindContentsOf& find_contents);

}  // namespace sojourn::store
