#include "tools/vm/lease_table.hpp"

#include <nlohmann/json.hpp>

#include "base/printable.hpp"

namespace sojourn::tools {

namespace {

Json microseconds_of(const std::optional<std::uint64_t>& ns) {
    return ns ? Json(*ns / 1000) : Json();
}

std::string time_for_people(const std::optional<std::uint64_t>& ns) {
    return ns ? microseconds_for_people(*ns / 1000) : "-";
}

Colour colour_of(leases::LeaseState state) {
    switch (state) {
        case leases::LeaseState::lost:
            return Colour::red;
        case leases::LeaseState::expired:
        case leases::LeaseState::expiring:
            return Colour::yellow;
        case leases::LeaseState::granted:
        case leases::LeaseState::reestablished:
            return Colour::green;
    }
    return Colour::none;
}

}  // namespace

Json json_of(const leases::Lease& lease) {
    Json row{{"id", static_cast<std::uint64_t>(lease.id)},
             {"kind", leases::text_of(lease.kind)},
             {"state", leases::text_of(lease.state)},
             {"service", lease.description},
             {"ttl_us", microseconds_of(lease.ttl_ns)},
             {"remaining_us", microseconds_of(lease.remaining_ns)},
             {"epoch", static_cast<std::uint64_t>(lease.epoch)},
             {"lost_because", nullptr}};
    if (lease.state == leases::LeaseState::lost) row["lost_because"] = lease.lost_because;
    return row;
}

Result<void> print_leases(const std::vector<leases::Lease>& leases) {
    std::vector<std::vector<Cell>> table;
    for (const leases::Lease& lease : leases) {
        std::string service = printable(lease.description);
        if (lease.state == leases::LeaseState::lost)
            service += fmt::format(": {}", printable(lease.lost_because));
        table.push_back({{std::to_string(static_cast<std::uint64_t>(lease.id)), {}, true},
                         {std::string(leases::text_of(lease.kind))},
                         {std::string(leases::text_of(lease.state)), colour_of(lease.state)},
                         {time_for_people(lease.ttl_ns), {}, true},
                         {time_for_people(lease.remaining_ns), {}, true},
                         {std::to_string(static_cast<std::uint64_t>(lease.epoch)), {}, true},
                         {service}});
    }
    return print_table({"ID", "KIND", "STATE", "FOR", "LEFT", "EPOCH", "SERVICE"}, table);
}

}  // namespace sojourn::tools
