#include "vm/host/internal/state.hpp"

#include <algorithm>
#include <map>

#include "vm/host/internal/wasi_types.hpp"

namespace sojourn::vm {

namespace {

constexpr std::uint32_t kMagic = 0x544a4853;  // "SHJT"
constexpr std::uint32_t kFormat = 2;
constexpr std::string_view kSubject = "the saved host calls";

struct DescriptorRow {
    std::uint64_t lease;
    std::uint64_t rights;
    std::uint64_t rights_inheriting;
    std::uint32_t descriptor;
    std::uint32_t is_preopened;
};
static_assert(sizeof(DescriptorRow) == 32);
static_assert(std::has_unique_object_representations_v<DescriptorRow>);

void put_strings(ByteWriter& writer, const std::vector<std::string>& strings) {
    writer.put(static_cast<std::uint32_t>(strings.size()));
    for (const std::string& string : strings)
        writer.put_sized(std::string_view(string));
}

Result<std::vector<std::string>> get_strings(ByteReader& reader) {
    const auto count = TRY(reader.get_count(sizeof(std::uint32_t)));
    std::vector<std::string> strings;
    for (std::uint32_t i = 0; i < count; ++i) {
        strings.push_back(TRY(reader.get_string()));
    }
    return strings;
}

/// The kinds of the leases there are: a descriptor that named a clock would be taken for a file.
class LeaseKinds {
public:
    explicit LeaseKinds(const leases::LeaseManager& leases) {
        for (const leases::Lease& lease : leases.leases())
            kinds_[lease.id] = lease.kind;
    }

    Result<void> expect(leases::LeaseId lease, leases::ServiceKind kind) const {
        const auto found = kinds_.find(lease);
        if (found != kinds_.end() && found->second == kind) return {};
        return fail(ErrorCode::corrupt, "{} take lease {} for a {}", kSubject,
                    static_cast<std::uint64_t>(lease), leases::text_of(kind));
    }

    Result<void> expect_descriptor(const DescriptorEntry& entry) const {
        const auto found = kinds_.find(entry.lease);
        const auto fits = entry.is_preopened ? leases::is_directory : leases::is_descriptor;
        if (found != kinds_.end() && fits(found->second)) return {};
        return expect(entry.lease, leases::ServiceKind::directory);
    }

private:
    std::map<leases::LeaseId, leases::ServiceKind> kinds_;
};

Result<void> get_descriptors(ByteReader& reader, const LeaseKinds& kinds,
                             Dispatcher::State& state) {
    const auto count = TRY(reader.get_count(sizeof(DescriptorRow)));
    std::uint64_t least = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto row = TRY(reader.get<DescriptorRow>());
        const bool in_order = row.descriptor >= least;
        least = std::uint64_t{row.descriptor} + 1;
        const std::uint64_t rights = row.rights | row.rights_inheriting;
        if (!in_order || row.is_preopened > 1 || (rights & ~rights::kAll) != 0)
            return fail(ErrorCode::corrupt, "{} have a wrong descriptor {}", kSubject,
                        row.descriptor);
        const DescriptorEntry entry{.lease = leases::LeaseId{row.lease},
                                    .rights = row.rights,
                                    .rights_inheriting = row.rights_inheriting,
                                    .is_preopened = row.is_preopened == 1};
        TRY(kinds.expect_descriptor(entry));
        state.descriptors.put(row.descriptor, entry);
    }
    return {};
}

}  // namespace

ByteVector capture_state(const Dispatcher::State& state) {
    ByteWriter writer;
    writer.put(kMagic);
    writer.put(kFormat);
    put_strings(writer, state.arguments);
    put_strings(writer, state.environment);
    put_strings(writer, state.environment_to_come);
    writer.put(static_cast<std::uint32_t>(state.descriptors.size()));
    for (const auto& [descriptor, entry] : state.descriptors) {
        writer.put(DescriptorRow{
            .lease = static_cast<std::uint64_t>(entry.lease),
            .rights = entry.rights,
            .rights_inheriting = entry.rights_inheriting,
            .descriptor = descriptor,
            .is_preopened = entry.is_preopened ? 1U : 0U,
        });
    }
    writer.put(state.clock);
    writer.put(state.random);
    writer.put(state.completed_host_calls);
    // The name, not the number: rows of the tables may move.
    writer.put_sized(state.pending ? name_of(state.pending->function) : std::string_view());
    writer.put(state.pending ? state.pending->started_ns : 0);
    return writer.take();
}

Result<std::unique_ptr<Dispatcher::State>> restore_state(leases::LeaseManager& leases, Bytes bytes,
                                                         Supervisor& supervisor) {
    ByteReader reader(bytes, kSubject);
    if (TRY(reader.get<std::uint32_t>()) != kMagic)
        return fail(ErrorCode::corrupt, "{} do not begin with their magic number", kSubject);
    if (const auto format = TRY(reader.get<std::uint32_t>()); format != kFormat) {
        return fail(ErrorCode::unsupported_format, "{} have format {}, this build reads {}",
                    kSubject, format, kFormat);
    }
    const LeaseKinds kinds(leases);
    auto arguments = TRY(get_strings(reader));
    auto environment = TRY(get_strings(reader));
    auto environment_to_come = TRY(get_strings(reader));
    std::unique_ptr<Dispatcher::State> state(
        new Dispatcher::State{.leases = leases,
                              .supervisor = supervisor,
                              .arguments = std::move(arguments),
                              .environment = std::move(environment),
                              .environment_to_come = std::move(environment_to_come),
                              .descriptors = {},
                              .pending = {}});
    TRY(get_descriptors(reader, kinds, *state));
    state->clock = TRY(reader.get<leases::LeaseId>());
    state->random = TRY(reader.get<leases::LeaseId>());
    TRY(kinds.expect(state->clock, leases::ServiceKind::clock));
    TRY(kinds.expect(state->random, leases::ServiceKind::random));
    state->completed_host_calls = TRY(reader.get<std::uint64_t>());
    const std::string pending = TRY(reader.get_string());
    const auto started_ns = TRY(reader.get<std::uint64_t>());
    TRY(reader.expect_end());
    if (pending.empty()) return state;
    const auto function = function_named(pending);
    if (!function)
        return fail(ErrorCode::corrupt, "{} wait for an unknown function {}", kSubject, pending);
    state->pending = {.function = *function, .started_ns = started_ns};
    return state;
}

}  // namespace sojourn::vm
