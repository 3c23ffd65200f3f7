#include "leases/manager.hpp"

#include <algorithm>

#include "base/trace.hpp"

namespace sojourn::leases {

namespace {

constexpr std::uint32_t kMagic = 0x534c4a53;  // "SJLS"
constexpr std::uint32_t kFormat = 2;
constexpr std::string_view kSubject = "the saved leases";

/// Fixed part of a saved lease; the reason of a loss and the service's state follow it.
struct LeaseHeader {
    std::uint64_t id;
    std::uint64_t epoch;
    std::uint64_t ttl_ns;  ///< 0: until given back
    std::uint32_t kind;
    std::uint32_t is_lost;
};
static_assert(sizeof(LeaseHeader) == 32);
static_assert(std::has_unique_object_representations_v<LeaseHeader>);

void trace_change(const Lease& lease, const Service& service) {
    if (!trace::is_open(trace::Channel::leases)) return;
    const auto id = static_cast<std::uint64_t>(lease.id);
    const auto state = text_of(lease.state);
    const std::string what = service.description();
    const std::string& because = lease.lost_because;
    TRACE(leases, "changed", id, state, what, because);
}

}  // namespace

LeaseManager::LeaseManager(const Host& host, store::Epoch epoch) : host_(host), epoch_(epoch) {}

bool LeaseManager::Held::holds_host_objects() const {
    return lease.state == LeaseState::granted || lease.state == LeaseState::reestablished;
}

LeaseId LeaseManager::grant(std::unique_ptr<Service> service, std::optional<std::uint64_t> ttl_ns) {
    EXPECTS(!ttl_ns || *ttl_ns > 0, "a lease is granted for some time");
    const LeaseId id{next_id_++};
    Held held;
    held.lease = {.id = id,
                  .kind = service->kind(),
                  .state = LeaseState::granted,
                  .epoch = epoch_,
                  .ttl_ns = ttl_ns,
                  .deadline_ns = 0,
                  .description = {},
                  .lost_because = {}};
    renew(held.lease);
    held.service = std::move(service);
    trace_change(held.lease, *held.service);
    held_.emplace(id, std::move(held));
    return id;
}

Answer<Service*> LeaseManager::use(LeaseId id) {
    const auto found = held_.find(id);
    if (found == held_.end()) return Errno::badf;
    Held& held = found->second;
    const bool overdue = held.lease.ttl_ns && host_.clock.monotonic_ns() > held.lease.deadline_ns;
    if (held.holds_host_objects() && overdue) {
        [[maybe_unused]] const auto expired = expire(held);  // a failure shows as the state `lost`
    }
    if (held.lease.state == LeaseState::expired) reestablish(held);
    if (held.lease.state == LeaseState::lost) return errno_of_lost(held.lease.kind);
    renew(held.lease);
    return held.service.get();
}

Service* LeaseManager::find(LeaseId id) const {
    const auto found = held_.find(id);
    return found == held_.end() ? nullptr : found->second.service.get();
}

void LeaseManager::give_back(LeaseId id) {
    held_.erase(id);
}

void LeaseManager::follow_rename(const Place& from, const Place& to) {
    for (auto& [id, held] : held_)
        held.service->follow_rename(from, to);
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

void LeaseManager::reestablish_all() {
    for (const bool directories : {true, false}) {
        for (auto& [id, held] : held_) {
            if (held.lease.state != LeaseState::expired) continue;
            if ((held.lease.kind == ServiceKind::directory) == directories) reestablish(held);
        }
    }
}

void LeaseManager::renew(Lease& lease) const {
    if (lease.ttl_ns) lease.deadline_ns = host_.clock.monotonic_ns() + *lease.ttl_ns;
}

Result<void> LeaseManager::expire(Held& held) {
    held.lease.state = LeaseState::expiring;
    const auto captured = held.service->capture();
    held.service->release();
    if (!captured.ok()) {
        held.lease.state = LeaseState::lost;
        held.lease.lost_because = captured.error().message;
        trace_change(held.lease, *held.service);
        return captured.error();
    }
    held.lease.state = LeaseState::expired;
    trace_change(held.lease, *held.service);
    return {};
}

void LeaseManager::reestablish(Held& held) {
    const auto reacquired = held.service->reacquire(host_);
    held.lease.epoch = epoch_;
    if (reacquired.ok()) {
        held.lease.state = LeaseState::reestablished;
        renew(held.lease);
    } else {
        held.service->release();
        held.lease.state = LeaseState::lost;
        held.lease.lost_because = reacquired.error().message;
    }
    trace_change(held.lease, *held.service);
}

std::vector<Lease> LeaseManager::leases() const {
    std::vector<Lease> result;
    for (const auto& [id, held] : held_) {
        result.push_back(held.lease);
        result.back().description = held.service->description();
    }
    return result;
}

Result<ByteVector> LeaseManager::capture() {
    ByteWriter writer;
    writer.put(kMagic);
    writer.put(kFormat);
    writer.put(next_id_);
    writer.put(static_cast<std::uint32_t>(held_.size()));
    for (auto& [id, held] : held_) {
        writer.put(LeaseHeader{
            .id = static_cast<std::uint64_t>(id),
            .epoch = static_cast<std::uint64_t>(held.lease.epoch),
            .ttl_ns = held.lease.ttl_ns.value_or(0),
            .kind = static_cast<std::uint32_t>(held.lease.kind),
            .is_lost = held.lease.state == LeaseState::lost ? 1U : 0U,
        });
        writer.put_sized(std::string_view(held.lease.lost_because));
        writer.put_sized(TRY(held.service->capture()));
    }
    return writer.take();
}

Result<std::unique_ptr<LeaseManager>> LeaseManager::restore(Bytes state, const Host& host,
                                                            store::Epoch epoch) {
    ByteReader reader(state, kSubject);
    if (TRY(reader.get<std::uint32_t>()) != kMagic)
        return fail(ErrorCode::corrupt, "{} do not begin with their magic number", kSubject);
    if (const auto format = TRY(reader.get<std::uint32_t>()); format != kFormat) {
        return fail(ErrorCode::unsupported_format, "{} have format {}, this build reads {}",
                    kSubject, format, kFormat);
    }
    auto manager = std::make_unique<LeaseManager>(host, epoch);
    manager->next_id_ = TRY(reader.get<std::uint64_t>());
    if (manager->next_id_ == 0 || manager->next_id_ > UINT64_MAX / 2)
        return fail(ErrorCode::corrupt, "{} number the next lease {}", kSubject, manager->next_id_);
    const auto count = TRY(reader.get_count(sizeof(LeaseHeader)));
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(manager->read_lease(reader));
    }
    TRY(reader.expect_end());
    return manager;
}

Result<void> LeaseManager::read_lease(ByteReader& reader) {
    const auto header = TRY(reader.get<LeaseHeader>());
    std::string lost_because = TRY(reader.get_string());
    const Bytes service_state = TRY(reader.get_sized());
    const LeaseId id{header.id};
    if (header.id == 0 || header.id >= next_id_ || held_.contains(id))
        return fail(ErrorCode::corrupt, "{} give number {} to a lease", kSubject, header.id);
    if (header.is_lost > 1)
        return fail(ErrorCode::corrupt, "{} mark lease {} as neither lost nor not", kSubject,
                    header.id);
    const auto kind = static_cast<ServiceKind>(header.kind);
    Held held;
    held.service = TRY(restore_service(kind, service_state));
    held.lease = {
        .id = id,
        .kind = kind,
        .state = header.is_lost == 1 ? LeaseState::lost : LeaseState::expired,
        .epoch = store::Epoch{header.epoch},
        .ttl_ns = header.ttl_ns == 0 ? std::nullopt : std::optional(header.ttl_ns),
        .deadline_ns = 0,
        .description = {},
        .lost_because = std::move(lost_because),
    };
    held_.emplace(id, std::move(held));
    return {};
}

}  // namespace sojourn::leases
