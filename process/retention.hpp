#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/types.hpp"

namespace sojourn::process {

/// Which checkpoints stay: those that any of the rules keeps.
struct RetentionPolicy {
    std::uint32_t last = 0;    ///< the newest so many
    std::uint32_t hourly = 0;  ///< the newest of each of the last so many hours that have one
    std::uint32_t daily = 0;   ///< as hourly, with days; hours and days are those of UTC
};

/// The checkpoints that `policy` does not keep, oldest first. The head stays in any case; so does
/// what a person has given a message or a tag, and the rules do not count it.
std::vector<store::Version> superseded(const RetentionPolicy& policy,
                                       std::span<const store::CheckpointInfo> checkpoints,
                                       store::Version head);

}  // namespace sojourn::process
