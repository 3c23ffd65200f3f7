#pragma once

#include <optional>
#include <string>
#include <vector>

#include "leases/manager.hpp"
#include "leases/place.hpp"

namespace sojourn::process {

/// What a person wants a resume to do to files, instead of what was given at the start.
struct OnResumeChoice {
    std::optional<std::string>
        guest_path;  ///< of a granted directory; nullopt: of all, and of files as streams
    leases::OnResume on_resume = leases::OnResume::rollback;
};
using OnResumeChoices = std::vector<OnResumeChoice>;

/// Gives every place below the directories that are named its new policy, for good.
/// Errors: not_found, with the directories there are.
Result<void> apply(const OnResumeChoices& choices, leases::LeaseManager& leases);

}  // namespace sojourn::process
