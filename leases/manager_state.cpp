#include "leases/manager.hpp"

/// What of the leases is in a checkpoint (docs/formats/leases.md).
namespace sojourn::leases {

namespace {

constexpr std::uint32_t kMagic = 0x534c4a53;  // "SJLS"
constexpr std::uint32_t kFormat = 5;
constexpr std::string_view kSubject = "the saved leases";

struct TermRow {
    std::uint64_t ttl_ns;
    std::uint32_t kind;
    std::uint32_t reserved;
};
static_assert(sizeof(TermRow) == 16);
static_assert(std::has_unique_object_representations_v<TermRow>);

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

bool is_term(std::uint64_t ttl_ns) {
    return ttl_ns >= kLeaseTtlMinNs && ttl_ns <= kLeaseTtlMaxNs;
}

}  // namespace

Result<ByteVector> LeaseManager::capture() {
    ByteWriter writer;
    writer.put(kMagic);
    writer.put(kFormat);
    writer.put(next_id_);
    writer.put(static_cast<std::uint32_t>(terms_.size()));
    for (const auto& [kind, ttl_ns] : terms_)
        writer.put(TermRow{ttl_ns, static_cast<std::uint32_t>(kind), 0});
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
    TRY(manager->read_terms(reader));
    const auto count = TRY(reader.get_count(sizeof(LeaseHeader)));
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(manager->read_lease(reader));
    }
    TRY(reader.expect_end());
    return manager;
}

Result<void> LeaseManager::read_terms(ByteReader& reader) {
    const auto count = TRY(reader.get_count(sizeof(TermRow)));
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto row = TRY(reader.get<TermRow>());
        const auto kind = static_cast<ServiceKind>(row.kind);
        const bool is_next = terms_.empty() || terms_.rbegin()->first < kind;
        if (!is_next || text_of(kind) == "unknown" || row.reserved != 0 || !is_term(row.ttl_ns))
            return fail(ErrorCode::corrupt, "{} grant kind {} for {} ns", kSubject, row.kind,
                        row.ttl_ns);
        terms_[kind] = row.ttl_ns;
    }
    return {};
}

Result<void> LeaseManager::read_lease(ByteReader& reader) {
    const auto header = TRY(reader.get<LeaseHeader>());
    std::string lost_because = TRY(reader.get_string());
    const Bytes service_state = TRY(reader.get_sized());
    const LeaseId id{header.id};
    if (header.id == 0 || header.id >= next_id_ || held_.contains(id))
        return fail(ErrorCode::corrupt, "{} give number {} to a lease", kSubject, header.id);
    if (header.is_lost > 1 || (header.ttl_ns != 0 && !is_term(header.ttl_ns)))
        return fail(ErrorCode::corrupt, "{} have an impossible lease {}", kSubject, header.id);
    const auto kind = static_cast<ServiceKind>(header.kind);
    Held held;
    held.service = TRY(restore_service(kind, service_state));
    held.lease.id = id;
    held.lease.kind = kind;
    held.lease.state = header.is_lost == 1 ? LeaseState::lost : LeaseState::expired;
    held.lease.epoch = store::Epoch{header.epoch};
    if (header.ttl_ns != 0) held.lease.ttl_ns = header.ttl_ns;
    held.lease.lost_because = std::move(lost_because);
    held_.emplace(id, std::move(held));
    return {};
}

}  // namespace sojourn::leases
