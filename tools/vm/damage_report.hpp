#pragma once

#include <nlohmann/json.hpp>

#include "store/verify.hpp"
#include "tools/vm/output.hpp"

/// What `vm store verify` and `vm store repair` say of what is damaged.
namespace sojourn::tools {

Json json_of(const std::vector<store::Problem>& problems);
Json json_of(const std::vector<store::LostCheckpoint>& lost);
/// A line for each.
Result<void> print_damage(const std::vector<store::Problem>& problems,
                          const std::vector<store::LostCheckpoint>& lost);

}  // namespace sojourn::tools
