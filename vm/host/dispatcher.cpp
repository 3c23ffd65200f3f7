#include "vm/host/dispatcher.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/ranges.h>

#include "base/trace.hpp"
#include "leases/host_directory.hpp"
#include "leases/socket.hpp"
#include "leases/stream.hpp"
#include "leases/volume/volume_directory.hpp"
#include "vm/host/internal/nearest_import.hpp"
#include "vm/host/internal/sojourn_calls.hpp"
#include "vm/host/internal/wasi.hpp"

namespace sojourn::vm {

namespace {

constexpr std::string_view kWasi = "wasi_snapshot_preview1";
constexpr std::string_view kSojourn = "sojourn";

struct Row {
    std::string_view module;
    std::string_view name;
    std::string_view full_name;
    std::string_view types;
};

/// By HostFunction.
constexpr std::array kRows = {
#define FUNCTION(name, types) Row{kWasi, #name, #name, types},
#include "vm/host/wasi.def"
#undef FUNCTION
#define FUNCTION(name, types) Row{kSojourn, #name, "sojourn." #name, types},
#include "vm/host/sojourn.def"
#undef FUNCTION
};

/// What became of one attempt at a call.
struct Attempt {
    HostOutcome outcome;
    std::uint64_t result = 0;      ///< when done, as a slot
    std::uint64_t started_ns = 0;  ///< when interrupted
};

/// What a row's types are for a memory with addresses of type `address`.
FunctionType type_of(std::string_view types, ValueType address) {
    FunctionType type;
    auto* list = &type.parameters;
    for (const char letter : types) {
        if (letter == ':') {
            list = &type.results;
        } else {
            const ValueType narrow = letter == 'p' ? address : ValueType::i32;
            list->push_back(letter == 'l' ? ValueType::i64 : narrow);
        }
    }
    return type;
}

/// Whether a row says what the member function takes.
template <typename Calls, typename Result, typename... Parameters>
constexpr bool fits(std::string_view types, Result (Calls::*)(Parameters...)) {
    constexpr std::array<bool, sizeof...(Parameters)> is_narrow = {sizeof(Parameters) == 4 ...};
    if (types.find(':') != is_narrow.size()) return false;
    for (std::size_t i = 0; i < is_narrow.size(); ++i) {
        if ((types[i] == 'i') != is_narrow[i]) return false;
    }
    return true;
}

#define FUNCTION(name, types) \
    static_assert(fits(types, &Wasi::name), #name " does not have the types of its row");
#include "vm/host/wasi.def"
#undef FUNCTION
#define FUNCTION(name, types) \
    static_assert(fits(types, &SojournCalls::name), #name " does not have the types of its row");
#include "vm/host/sojourn.def"
#undef FUNCTION

template <typename Calls, typename Result, typename... Parameters, std::size_t... Index>
Result invoke(Calls& calls, Result (Calls::*function)(Parameters...),
              [[maybe_unused]] std::span<const std::uint64_t> arguments,
              std::index_sequence<Index...>) {
    return (calls.*function)(static_cast<Parameters>(arguments[Index])...);
}

template <typename Calls, typename Result, typename... Parameters>
Result invoke(Calls& calls, Result (Calls::*function)(Parameters...),
              std::span<const std::uint64_t> arguments) {
    EXPECTS(arguments.size() == sizeof...(Parameters), "the import was linked with this type");
    return invoke(calls, function, arguments, std::index_sequence_for<Parameters...>());
}

Errno perform(Wasi& wasi, HostFunction function, std::span<const std::uint64_t> arguments) {
    switch (function) {
#define FUNCTION(name, types)       \
    case HostFunction::wasi_##name: \
        return invoke(wasi, &Wasi::name, arguments);
#include "vm/host/wasi.def"
#undef FUNCTION
        default:
            return Errno::nosys;
    }
}

Attempt attempt_wasi(Dispatcher::State& state, HostFunction function, const HostCall& call) {
    Wasi wasi(state, GuestMemory(call.memory, call.address));
    const Errno error = perform(wasi, function, call.arguments);
    Attempt attempt{.outcome = {}, .result = static_cast<std::uint64_t>(error)};
    if (error == Errno::intr && state.leases.host().interrupt.raised()) {
        auto started = wasi.started_ns();
        attempt.outcome.kind = HostOutcome::Kind::interrupted;
        attempt.started_ns = started.ok() ? *started : 0;
    } else if (wasi.ending()) {
        attempt.outcome = *wasi.ending();
    }
    return attempt;
}

std::optional<SojournCalls::Slot> perform(SojournCalls& calls, HostFunction function,
                                          std::span<const std::uint64_t> arguments) {
    switch (function) {
#define FUNCTION(name, types)          \
    case HostFunction::sojourn_##name: \
        return invoke(calls, &SojournCalls::name, arguments);
#include "vm/host/sojourn.def"
#undef FUNCTION
        default:
            return std::nullopt;
    }
}

Attempt attempt_sojourn(Dispatcher::State& state, HostFunction function, const HostCall& call) {
    SojournCalls calls(state);
    const auto result = perform(calls, function, call.arguments);
    Attempt attempt{.outcome = {}, .result = result.value_or(0)};
    if (!result) attempt.outcome.kind = HostOutcome::Kind::interrupted;
    return attempt;
}

Attempt attempt_call(Dispatcher::State& state, HostFunction function, const HostCall& call) {
    const bool is_wasi = kRows[static_cast<std::size_t>(function)].module == kWasi;
    return is_wasi ? attempt_wasi(state, function, call) : attempt_sojourn(state, function, call);
}

/// One of the three standard streams, as the next descriptor.
Result<void> open_stream(Dispatcher::State& state, std::uint32_t number, const std::string& path) {
    const bool is_input = number == 0;
    const leases::Host& host = state.leases.host();
    std::unique_ptr<leases::Descriptor> stream;
    if (path.empty()) {
        stream = TRY(leases::Stream::open(number, host));
    } else {
        stream = TRY(leases::Stream::open_at(number, path, host));
    }
    std::uint64_t rights = is_input ? rights::kInput : rights::kOutput;
    if (stream->kind() == leases::ServiceKind::file)
        rights = is_input ? rights::kInputFile : rights::kOutputFile;
    state.descriptors.add({.lease = state.leases.grant(std::move(stream)), .rights = rights});
    return {};
}

DescriptorEntry preopened(leases::LeaseId lease) {
    return {.lease = lease,
            .rights = rights::kDirectory,
            .rights_inheriting = rights::kAll,
            .is_preopened = true};
}

Result<void> open_directory(Dispatcher::State& state, const DirectoryGrant& grant) {
    const leases::Place place{.grant = grant.host_path,
                              .path = {},
                              .is_read_only = grant.read_only,
                              .on_resume = grant.on_resume};
    auto directory =
        TRY(leases::HostDirectory::grant(place, grant.guest_path, state.leases.host().files));
    state.descriptors.add(preopened(state.leases.grant(std::move(directory))));
    return {};
}

Result<void> open_volume(Dispatcher::State& state, const VolumeGrant& grant) {
    const leases::Host& host = state.leases.host();
    EXPECTS(host.volumes != nullptr, "who is given volumes has somewhere to keep them");
    auto disk = TRY(host.volumes->find(grant.name));
    if (!disk) disk = TRY(host.volumes->create(grant.name, grant.size_bytes_max));
    auto root = TRY(leases::VolumeDirectory::grant(*disk, grant.guest_path, grant.read_only, host));
    state.descriptors.add(preopened(state.leases.grant(std::move(root))));
    return {};
}

void trace_call(HostFunction function, std::span<const std::uint64_t> values,
                const Attempt& attempt) {
    if (!trace::is_open(trace::Channel::vm)) return;
    const auto name = name_of(function);
    const auto arguments = fmt::format("({:#x})", fmt::join(values, ", "));
    const auto result = attempt.result;
    const bool is_pending = attempt.outcome.kind == HostOutcome::Kind::interrupted;
    TRACE(vm, "host_call", name, arguments, result, is_pending);
}

}  // namespace

std::string_view name_of(HostFunction function) {
    return kRows[static_cast<std::size_t>(function)].full_name;
}

std::optional<HostFunction> function_named(std::string_view name) {
    const auto row = std::ranges::find(kRows, name, &Row::full_name);
    if (row == kRows.end()) return std::nullopt;
    return static_cast<HostFunction>(row - kRows.begin());
}

Dispatcher::Dispatcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Dispatcher::~Dispatcher() = default;

Result<std::unique_ptr<Dispatcher>> Dispatcher::create(leases::LeaseManager& leases,
                                                       const Launch& launch,
                                                       Supervisor& supervisor) {
    auto state = std::unique_ptr<State>(new State{.leases = leases,
                                                  .supervisor = supervisor,
                                                  .arguments = launch.arguments,
                                                  .environment = launch.environment,
                                                  .environment_to_come = {},
                                                  .descriptors = {},
                                                  .pending = {}});
    const leases::Host& host = leases.host();
    for (std::uint32_t number = 0; number < launch.streams.size(); ++number)
        TRY(open_stream(*state, number, launch.streams[number]));
    for (const DirectoryGrant& grant : launch.directories)
        TRY(open_directory(*state, grant));
    for (const VolumeGrant& grant : launch.volumes)
        TRY(open_volume(*state, grant));
    for (const std::string& address : launch.listeners) {
        auto listener = TRY(leases::Listener::open(address, host));
        state->descriptors.add({.lease = leases.grant(std::move(listener)),
                                .rights = rights::kListener,
                                .rights_inheriting = rights::kConnection});
    }
    state->clock = leases.grant(leases::ClockService::open(host));
    state->random = leases.grant(leases::RandomService::open(host, launch.seed));
    return std::unique_ptr<Dispatcher>(new Dispatcher(std::move(state)));
}

Result<std::unique_ptr<Dispatcher>> Dispatcher::restore(leases::LeaseManager& leases, Bytes bytes,
                                                        Supervisor& supervisor) {
    auto state = TRY(restore_state(leases, bytes, supervisor));
    return std::unique_ptr<Dispatcher>(new Dispatcher(std::move(state)));
}

std::optional<HostFunctionId> Dispatcher::find(std::string_view module, std::string_view name,
                                               const FunctionType& type, ValueType address) const {
    const auto row = std::ranges::find_if(kRows, [&](const Row& candidate) {
        return candidate.module == module && candidate.name == name &&
               type_of(candidate.types, address) == type;
    });
    if (row == kRows.end()) return std::nullopt;
    return static_cast<HostFunctionId>(row - kRows.begin());
}

std::string Dispatcher::suggest(std::string_view module, std::string_view name,
                                ValueType address) const {
    std::vector<ProvidedImport> provided;
    for (const Row& row : kRows)
        provided.push_back({row.module, row.name, type_of(row.types, address)});
    return nearest_import(provided, module, name);
}

HostOutcome Dispatcher::call(const HostCall& call) {
    EXPECTS(static_cast<std::uint32_t>(call.function) < kRows.size(), "find() gave the function");
    const auto function = static_cast<HostFunction>(call.function);
    if (state_->pending && state_->pending->function != function) state_->pending.reset();

    const Attempt attempt = attempt_call(*state_, function, call);
    trace_call(function, call.arguments, attempt);
    if (attempt.outcome.kind == HostOutcome::Kind::interrupted) {
        state_->pending = {.function = function, .started_ns = attempt.started_ns};
        return attempt.outcome;
    }
    state_->pending.reset();
    ++state_->completed_host_calls;
    const bool returns = attempt.outcome.kind == HostOutcome::Kind::done;
    if (returns && !call.results.empty()) call.results[0] = attempt.result;
    return attempt.outcome;
}

void Dispatcher::change_environment(const std::vector<std::string>& variables) {
    if (variables.empty()) return;
    std::vector<std::string>& changed = state_->environment_to_come;
    if (changed.empty()) changed = state_->environment;
    for (const std::string& variable : variables) {
        const auto name = variable.substr(0, variable.find('=') + 1);
        std::erase_if(changed, [&](const std::string& old) { return old.starts_with(name); });
        changed.push_back(variable);
    }
}

ByteVector Dispatcher::capture() const {
    return capture_state(*state_);
}

std::uint64_t Dispatcher::completed_host_calls() const {
    return state_->completed_host_calls;
}

}  // namespace sojourn::vm
