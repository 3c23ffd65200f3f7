#include "leases/admission.hpp"

#include <algorithm>
#include <set>

#include "base/printable.hpp"
#include "leases/host_directory.hpp"

namespace sojourn::leases {

namespace {

constexpr std::size_t kListedMax = 8;  // in one error

const HostDirectory* directory_of(const LeaseManager& leases, const Lease& lease) {
    if (lease.kind != ServiceKind::directory) return nullptr;
    return static_cast<const HostDirectory*>(leases.find(lease.id));
}

/// The directories that the guest knows by a name.
std::vector<const HostDirectory*> granted_directories(const LeaseManager& leases) {
    std::vector<const HostDirectory*> found;
    for (const Lease& lease : leases.leases()) {
        const HostDirectory* directory = directory_of(leases, lease);
        if (directory != nullptr && !directory->guest_name().empty()) found.push_back(directory);
    }
    return found;
}

/// Every name that some recipe has.
std::set<std::string> names_in(const LeaseManager& leases) {
    std::set<std::string> names;
    for (const Lease& lease : leases.leases()) {
        for (const Grant& grant : leases.find(lease.id)->sufficient_grants())
            names.insert(grant.name);
    }
    return names;
}

/// The first of them, by what `tell` makes of each.
template <typename Parts, typename Tell>
std::string listed(const Parts& parts, const Tell& tell) {
    std::string text;
    std::size_t count = 0;
    for (const auto& part : parts) {
        if (count == kListedMax) return fmt::format("{}; and {} more", text, parts.size() - count);
        text += (count++ == 0 ? "" : "; ") + tell(part);
    }
    return text;
}

}  // namespace

Result<Admission> Admission::prepare(LeaseManager& leases, AdmissionTerms terms) {
    Admission admission(leases, std::move(terms));
    Relocation relocation;
    TRY(admission.take_directories(relocation));
    TRY(admission.take_mappings(relocation));
    for (const Lease& lease : leases.leases())
        leases.find(lease.id)->relocate(relocation);
    const auto names = names_in(leases);
    for (const std::string& address : admission.terms_.addresses) {
        if (names.contains(address)) continue;
        return fail(ErrorCode::invalid_argument,
                    "it does not listen on {}; --map OLD={} moves where it listens", address,
                    address);
    }
    admission.note_guest_names();
    admission.take_grants();
    return admission;
}

void Admission::note_guest_names() {
    for (const HostDirectory* directory : granted_directories(leases_))
        guest_names_.emplace(directory->place().directory_grant(), directory->guest_name());
}

Result<void> Admission::take_directories(Relocation& relocation) {
    const auto present = granted_directories(leases_);
    for (const NamedDirectory& wanted : terms_.directories) {
        const auto fits = [&](const HostDirectory* directory) {
            return directory->guest_name() == wanted.guest_name;
        };
        if (std::ranges::none_of(present, fits)) {
            const auto names = listed(present, [](const HostDirectory* directory) {
                return printable(directory->guest_name());
            });
            return fail(ErrorCode::invalid_argument,
                        "it has no directory that it calls {}; those it has are: {}",
                        wanted.guest_name, names.empty() ? "none" : names);
        }
        for (const HostDirectory* directory : present) {
            if (!fits(directory)) continue;
            TRY(relocation.add({directory->place().grant, wanted.host_path,
                                /*moves_what_lies_below=*/false}));
        }
        granted_.add({Grant::Kind::directory, wanted.host_path, wanted.is_read_only});
    }
    return {};
}

Result<void> Admission::take_mappings(Relocation& relocation) const {
    const auto names = names_in(leases_);
    for (const Mapping& mapping : terms_.mappings) {
        const auto fits = [&](const std::string& name) { return concerns(mapping, name); };
        if (std::ranges::none_of(names, fits)) {
            return fail(ErrorCode::invalid_argument,
                        "it holds nothing that is called {}; vm leases lists what it holds",
                        mapping.from);
        }
        TRY(relocation.add(mapping));
    }
    return {};
}

void Admission::take_grants() {
    for (const std::string& address : terms_.addresses)
        granted_.add({Grant::Kind::address, address, false});
    // What was granted under its old name. Not by way of a directory that took another's place: it
    // may be granted less than that one was.
    Relocation moves;
    for (const Mapping& mapping : terms_.mappings)
        INVARIANT(moves.add(mapping).ok(), "they were found to agree when recipes were moved");
    for (const Grant& before : terms_.granted) {
        if (auto moved = moves.moved(before.name))
            granted_.add({before.kind, *std::move(moved), before.is_read_only});
    }
    for (const Lease& lease : leases_.leases()) {
        for (Grant& grant : leases_.find(lease.id)->sufficient_grants()) {
            const auto is_typed = [&](const Mapping& mapping) { return mapping.to == grant.name; };
            if (std::ranges::any_of(terms_.mappings, is_typed)) granted_.add(std::move(grant));
        }
    }
    if (!terms_.grants_all) return;
    for (const Lease& lease : leases_.leases()) {
        if (auto wanted = not_granted(lease.id)) granted_.add(*std::move(wanted));
    }
}

std::optional<Grant> Admission::not_granted(LeaseId id) const {
    const auto sufficient = leases_.find(id)->sufficient_grants();
    const auto is_covered = [&](const Grant& grant) { return granted_.cover(grant); };
    if (sufficient.empty() || std::ranges::any_of(sufficient, is_covered)) return std::nullopt;
    // One file is less than its directory, unless that is wished for anyhow.
    return guest_names_.contains(sufficient.front()) ? sufficient.front() : sufficient.back();
}

bool Admission::is_optional(const Lease& lease) const {
    // A connection has another end, which has seen it go.
    if (lease.kind == ServiceKind::connection || lease.state == LeaseState::lost) return true;
    const auto grants = leases_.find(lease.id)->sufficient_grants();
    return std::ranges::any_of(terms_.optional, [&](const std::string& text) {
        return text == text_of(lease.kind) ||
               std::ranges::find(grants, text, &Grant::name) != grants.end();
    });
}

std::vector<Admission::Outlook> Admission::examine(const WillChange& will_change) const {
    std::vector<Outlook> outlooks;
    for (Lease& lease : leases_.leases()) {
        Service& service = *leases_.find(lease.id);
        const Place* place = service.place();
        const auto will_differ =
            will_change && place != nullptr ? will_change(*place) : Result<bool>(false);
        Outlook outlook{.lease = lease, .is_required = !is_optional(lease)};
        if (lease.state == LeaseState::lost) {
            outlook.obstacle = Error{ErrorCode::lease_lost, lease.lost_because};
        } else if (auto wanted = not_granted(lease.id)) {
            outlook.not_granted = std::move(wanted);
        } else if (!will_differ.ok()) {
            outlook.obstacle = will_differ.error();
        } else if (!*will_differ) {
            const auto probed = service.probe(leases_.host());
            if (!probed.ok()) outlook.obstacle = probed.error();
        }
        outlooks.push_back(std::move(outlook));
    }
    return outlooks;
}

Result<void> Admission::check(const std::vector<Outlook>& outlooks) const {
    std::vector<Outlook> missing;
    for (const Outlook& outlook : outlooks) {
        if (outlook.is_required && !outlook.is_available()) missing.push_back(outlook);
    }
    if (missing.empty()) return {};
    return refusal(missing);
}

Error Admission::refusal(const std::vector<Outlook>& missing) const {
    std::set<Grant> wishes;
    for (const Outlook& outlook : missing) {
        if (outlook.not_granted) wishes.insert(*outlook.not_granted);
    }
    if (wishes.empty()) {
        return fail(missing.front().obstacle->code,
                    "it can't have back what it holds: {}; --map OLD=NEW names another place, "
                    "--optional NAME goes on without it",
                    listed(missing, [](const Outlook& outlook) {
                        return printable(outlook.obstacle->message);
                    }));
    }
    return fail(ErrorCode::permission_denied,
                "it wants what it was not granted on this host: {}; --grant-all grants all of it "
                "as it stands here",
                listed(wishes, [&](const Grant& wish) { return wish_for_people(wish); }));
}

/// `the directory /srv/data, as / (--dir HOST::/)`
std::string Admission::wish_for_people(const Grant& grant) const {
    const std::string what = grant.description();
    const std::string name = printable(grant.name);
    if (const auto known = guest_names_.find(grant); known != guest_names_.end()) {
        const std::string guest_name = printable(known->second);
        return fmt::format("{}, as {} (--dir HOST::{}{})", what, guest_name, guest_name,
                           grant.is_read_only ? ":ro" : "");
    }
    if (grant.kind == Grant::Kind::address) return fmt::format("{} (--tcp-listen {})", what, name);
    return fmt::format("{} (--map {}=HOST)", what, name);
}

Result<void> Admission::obtain() {
    const auto outlooks = examine();
    TRY(check(outlooks));
    for (const Outlook& outlook : outlooks) {
        if (outlook.is_available() || outlook.lease.state == LeaseState::lost) continue;
        leases_.lose(outlook.lease.id, outlook.not_granted
                                           ? outlook.not_granted->description() + " is not granted"
                                           : outlook.obstacle->message);
    }
    leases_.reestablish_all();
    std::vector<Outlook> lost;
    const auto now = leases_.leases();
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (now[i].state != LeaseState::lost) {
            // A port that the host chose is known by now.
            if (auto wanted = not_granted(now[i].id)) granted_.add(*std::move(wanted));
        } else if (outlooks[i].is_required) {
            lost.push_back({.lease = now[i],
                            .is_required = true,
                            .not_granted = {},
                            .obstacle = Error{ErrorCode::io, now[i].lost_because}});
        }
    }
    if (lost.empty()) return {};
    return refusal(lost);
}

Grants grants_of(const LeaseManager& leases) {
    Grants grants;
    for (const Lease& lease : leases.leases()) {
        const auto sufficient = leases.find(lease.id)->sufficient_grants();
        const bool is_directory = lease.kind == ServiceKind::directory;
        if (!sufficient.empty()) grants.add(is_directory ? sufficient.front() : sufficient.back());
    }
    return grants;
}

}  // namespace sojourn::leases
