#include "process/on_resume_choices.hpp"

#include <map>

#include "leases/host_directory.hpp"

namespace sojourn::process {

namespace {

/// The host's directory by the guest's name for it.
std::map<std::string, std::string> granted_directories(const leases::LeaseManager& leases) {
    std::map<std::string, std::string> grants;
    for (const leases::Lease& lease : leases.leases()) {
        if (lease.kind != leases::ServiceKind::directory) continue;
        auto& directory = static_cast<leases::HostDirectory&>(*leases.find(lease.id));
        if (!directory.guest_name().empty())
            grants[directory.guest_name()] = directory.place()->grant;
    }
    return grants;
}

std::string names_of(const std::map<std::string, std::string>& grants) {
    std::string names;
    for (const auto& [guest, host] : grants)
        names += names.empty() ? guest : ", " + guest;
    return names.empty() ? "none" : names;
}

}  // namespace

Result<void> apply(const OnResumeChoices& choices, leases::LeaseManager& leases) {
    const auto grants = granted_directories(leases);
    for (const OnResumeChoice& choice : choices) {
        const auto grant = choice.guest_path ? grants.find(*choice.guest_path) : grants.end();
        if (choice.guest_path && grant == grants.end()) {
            return fail(ErrorCode::not_found,
                        "--on-resume {}: the process has no directory of that name; it has: {}",
                        *choice.guest_path, names_of(grants));
        }
        for (leases::Place* place : leases.places()) {
            if (!choice.guest_path || place->grant == grant->second)
                place->on_resume = choice.on_resume;
        }
    }
    return {};
}

}  // namespace sojourn::process
