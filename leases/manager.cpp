#include "leases/manager.hpp"

#include <algorithm>

#include "base/trace.hpp"
#include "leases/place.hpp"

namespace sojourn::leases {

LeaseManager::LeaseManager(const Host& host, store::Epoch epoch) : host_(host), epoch_(epoch) {}

bool LeaseManager::Held::holds_host_objects() const {
    return lease.state == LeaseState::granted || lease.state == LeaseState::reestablished;
}

void LeaseManager::set_terms(const LeaseTerms& terms) {
    EXPECTS(renewal_ == nullptr, "terms are agreed before anything is renewed");
    for (const auto& [kind, ttl_ns] : terms) {
        EXPECTS(ttl_ns >= kLeaseTtlMinNs && ttl_ns <= kLeaseTtlMaxNs, "a term has its bounds");
        terms_[kind] = ttl_ns;
    }
    for (auto& [id, held] : held_) {
        const auto term = terms.find(held.lease.kind);
        if (term == terms.end()) continue;
        held.lease.ttl_ns = term->second;
        if (held.holds_host_objects()) begin_term(held);
    }
}

Result<void> LeaseManager::renew_in_background(std::function<void()> on_overdue) {
    const bool has_any = std::ranges::any_of(
        held_, [](const auto& row) { return row.second.lease.ttl_ns.has_value(); });
    if (terms_.empty() && !has_any) return {};
    renewal_ = TRY(Renewal::start(deadlines_, host_.clock, std::move(on_overdue)));
    return {};
}

LeaseId LeaseManager::grant(std::unique_ptr<Service> service) {
    const LeaseId id{next_id_++};
    const auto term = terms_.find(service->kind());
    Held& held = held_[id];
    held.lease.id = id;
    held.lease.kind = service->kind();
    held.lease.epoch = epoch_;
    if (term != terms_.end()) held.lease.ttl_ns = term->second;
    held.service = std::move(service);
    begin_term(held);
    announce(held);
    return id;
}

Answer<Service*> LeaseManager::use(LeaseId id) {
    const auto found = held_.find(id);
    if (found == held_.end()) return Errno::badf;
    Held& held = found->second;
    if (held.holds_host_objects() && is_overdue(held)) {
        [[maybe_unused]] const auto expired = expire(held);  // a failure shows as the state `lost`
    }
    if (held.lease.state == LeaseState::expired) reestablish(held);
    if (held.lease.state == LeaseState::lost) return errno_of_lost(held.lease.kind);
    return held.service.get();
}

Service* LeaseManager::find(LeaseId id) const {
    const auto found = held_.find(id);
    return found == held_.end() ? nullptr : found->second.service.get();
}

void LeaseManager::give_back(LeaseId id) {
    const auto found = held_.find(id);
    if (found == held_.end()) return;
    // Of what is kept for its holders alone, each has to be known.
    const Place* place = found->second.service->place();
    if (place != nullptr && place->is_in_attic()) hold_what_is_at(*place);
    found->second.service->let_go();
    deadlines_.erase(id);
    held_.erase(found);
}

std::vector<Place*> LeaseManager::places() {
    std::vector<Place*> places;
    for (auto& [id, held] : held_) {
        if (Place* place = held.service->place()) places.push_back(place);
    }
    return places;
}

void LeaseManager::hold_what_is_at(const Place& place) {
    for (auto& [id, held] : held_) {
        const Place* at = held.service->place();
        const bool is_there = at != nullptr && at->grant == place.grant && at->path == place.path;
        if (is_there && held.lease.state == LeaseState::expired) reestablish(held);
    }
}

void LeaseManager::follow_rename(const Place& from, const Place& to) {
    for (auto& [id, held] : held_)
        held.service->follow_rename(from, to);
}

Result<LeaseManager::Held*> LeaseManager::expect(LeaseId id) {
    const auto found = held_.find(id);
    if (found != held_.end()) return &found->second;
    return fail(ErrorCode::not_found, "there is no lease {}; vm leases lists those there are",
                static_cast<std::uint64_t>(id));
}

Result<void> LeaseManager::expire(LeaseId id) {
    Held* held = TRY(expect(id));
    return held->holds_host_objects() ? expire(*held) : Result<void>();
}

Result<void> LeaseManager::expire_all() {
    Result<void> first_failure;
    for (auto& [id, held] : held_) {
        if (!held.holds_host_objects()) continue;
        auto expired = expire(held);
        if (!expired.ok() && first_failure.ok()) first_failure = std::move(expired);
    }
    return first_failure;
}

void LeaseManager::expire_overdue() {
    for (const LeaseId id : deadlines_.overdue(host_.clock.boottime_ns())) {
        [[maybe_unused]] const auto expired = expire(id);
    }
}

void LeaseManager::lose(LeaseId id, std::string because) {
    Held& held = held_.at(id);
    EXPECTS(held.lease.state == LeaseState::expired, "what is held is given back first");
    held.lease.state = LeaseState::lost;
    held.lease.lost_because = std::move(because);
    announce(held);
}

Result<void> LeaseManager::renew(LeaseId id) {
    Held* held = TRY(expect(id));
    const auto used = use(id);
    if (used.ok()) {
        begin_term(*held);
        return {};
    }
    return fail(ErrorCode::lease_lost, "lease {}, {}, is lost: {}", static_cast<std::uint64_t>(id),
                held->service->description(), held->lease.lost_because);
}

Result<void> LeaseManager::renew_all() {
    Result<void> first_failure;
    for (const auto& [id, held] : held_) {
        if (held.lease.state == LeaseState::lost) continue;
        auto renewed = renew(id);
        if (!renewed.ok() && first_failure.ok()) first_failure = std::move(renewed);
    }
    return first_failure;
}

void LeaseManager::reestablish_all() {
    for (const bool directories : {true, false}) {
        for (auto& [id, held] : held_) {
            if (held.lease.state != LeaseState::expired) continue;
            if ((held.lease.kind == ServiceKind::directory) == directories) reestablish(held);
        }
    }
}

bool LeaseManager::is_overdue(const Held& held) const {
    return held.lease.ttl_ns && deadlines_.is_overdue(held.lease.id, host_.clock.boottime_ns());
}

void LeaseManager::begin_term(const Held& held) {
    if (!held.lease.ttl_ns) return;
    const bool is_first =
        deadlines_.set(held.lease.id, *held.lease.ttl_ns, host_.clock.boottime_ns());
    if (is_first && renewal_ != nullptr) renewal_->look_again();
}

Result<void> LeaseManager::expire(Held& held) {
    deadlines_.erase(held.lease.id);
    held.lease.state = LeaseState::expiring;
    const auto captured = held.service->capture();
    held.service->release();
    if (!captured.ok()) {
        held.lease.state = LeaseState::lost;
        held.lease.lost_because = captured.error().message;
        announce(held);
        return captured.error();
    }
    held.lease.state = LeaseState::expired;
    announce(held);
    return {};
}

void LeaseManager::reestablish(Held& held) {
    const auto reacquired = held.service->reacquire(host_);
    held.lease.epoch = epoch_;
    if (reacquired.ok()) {
        held.lease.state = LeaseState::reestablished;
        begin_term(held);
    } else {
        held.service->release();
        held.lease.state = LeaseState::lost;
        held.lease.lost_because = reacquired.error().message;
    }
    announce(held);
}

void LeaseManager::announce(const Held& held) const {
    if (observer_) observer_(held.lease);
    if (!trace::is_open(trace::Channel::leases)) return;
    const auto id = static_cast<std::uint64_t>(held.lease.id);
    const auto state = text_of(held.lease.state);
    const std::string what = held.service->description();
    const std::string& because = held.lease.lost_because;
    TRACE(leases, "changed", id, state, what, because);
}

std::vector<Lease> LeaseManager::leases() const {
    const std::uint64_t now_ns = host_.clock.boottime_ns();
    std::vector<Lease> result;
    for (const auto& [id, held] : held_) {
        Lease lease = held.lease;
        lease.description = held.service->description();
        if (const auto deadline_ns = deadlines_.of(id))
            lease.remaining_ns = std::max(*deadline_ns, now_ns) - now_ns;
        result.push_back(std::move(lease));
    }
    return result;
}

}  // namespace sojourn::leases
