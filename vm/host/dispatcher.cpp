#include "vm/host/dispatcher.hpp"

#include <array>
#include <utility>

#include <fmt/ranges.h>

#include "base/trace.hpp"
#include "leases/stream.hpp"
#include "vm/host/internal/wasi.hpp"

namespace sojourn::vm {

namespace {

constexpr std::string_view kModule = "wasi_snapshot_preview1";

struct Row {
    std::string_view name;
    std::string_view types;
};

constexpr std::array kRows = {
#define FUNCTION(name, types) Row{#name, types},
#include "vm/host/wasi.def"
#undef FUNCTION
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
template <typename... Parameters>
constexpr bool fits(std::string_view types, Errno (Wasi::*)(Parameters...)) {
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

template <typename... Parameters, std::size_t... Index>
Errno invoke(Wasi& wasi, Errno (Wasi::*function)(Parameters...),
             [[maybe_unused]] std::span<const std::uint64_t> arguments,
             std::index_sequence<Index...>) {
    return (wasi.*function)(static_cast<Parameters>(arguments[Index])...);
}

template <typename... Parameters>
Errno invoke(Wasi& wasi, Errno (Wasi::*function)(Parameters...),
             std::span<const std::uint64_t> arguments) {
    EXPECTS(arguments.size() == sizeof...(Parameters), "the import was linked with this type");
    return invoke(wasi, function, arguments, std::index_sequence_for<Parameters...>());
}

Errno perform(Wasi& wasi, WasiFunction function, std::span<const std::uint64_t> arguments) {
    switch (function) {
#define FUNCTION(name, types) \
    case WasiFunction::name:  \
        return invoke(wasi, &Wasi::name, arguments);
#include "vm/host/wasi.def"
#undef FUNCTION
    }
    return Errno::nosys;
}

void trace_call(WasiFunction function, std::span<const std::uint64_t> values, Errno error) {
    if (!trace::is_open(trace::Channel::vm)) return;
    const auto name = name_of(function);
    const auto arguments = fmt::format("({:#x})", fmt::join(values, ", "));
    const auto result = static_cast<std::uint16_t>(error);
    TRACE(vm, "host_call", name, arguments, result);
}

}  // namespace

std::string_view name_of(WasiFunction function) {
    return kRows[static_cast<std::size_t>(function)].name;
}

Dispatcher::Dispatcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Dispatcher::~Dispatcher() = default;

Result<std::unique_ptr<Dispatcher>> Dispatcher::create(leases::LeaseManager& leases,
                                                       const Launch& launch) {
    auto state = std::unique_ptr<State>(new State{.leases = leases,
                                                  .arguments = launch.arguments,
                                                  .environment = launch.environment,
                                                  .descriptors = {},
                                                  .pending = {}});
    const leases::Host& host = leases.host();
    std::uint32_t next = 0;
    for (const std::uint64_t rights : {rights::kInput, rights::kOutput, rights::kOutput}) {
        auto stream = leases::Stream::open(next, host);
        state->descriptors[next++] = {.lease = leases.grant(std::move(stream), std::nullopt),
                                      .rights = rights,
                                      .rights_inheriting = 0,
                                      .is_preopened = false};
    }
    for (const DirectoryGrant& grant : launch.directories) {
        auto directory =
            TRY(leases::Directory::grant(grant.host_path, grant.guest_path, grant.read_only));
        state->descriptors[next++] = {.lease = leases.grant(std::move(directory), std::nullopt),
                                      .rights = rights::kDirectory,
                                      .rights_inheriting = rights::kAll,
                                      .is_preopened = true};
    }
    state->clock = leases.grant(leases::ClockService::open(host), std::nullopt);
    state->random = leases.grant(leases::RandomService::open(host), std::nullopt);
    return std::unique_ptr<Dispatcher>(new Dispatcher(std::move(state)));
}

Result<std::unique_ptr<Dispatcher>> Dispatcher::restore(leases::LeaseManager& leases, Bytes bytes) {
    auto state = TRY(restore_state(leases, bytes));
    return std::unique_ptr<Dispatcher>(new Dispatcher(std::move(state)));
}

std::optional<HostFunctionId> Dispatcher::find(std::string_view module, std::string_view name,
                                               const FunctionType& type,
                                               ValueType address) const {
    if (module != kModule) return std::nullopt;
    for (std::uint32_t i = 0; i < kRows.size(); ++i) {
        if (kRows[i].name == name && type_of(kRows[i].types, address) == type) {
            return HostFunctionId{i};
        }
    }
    return std::nullopt;
}

HostOutcome Dispatcher::call(const HostCall& call) {
    EXPECTS(static_cast<std::uint32_t>(call.function) < kRows.size(), "find() gave the function");
    const auto function = static_cast<WasiFunction>(call.function);
    if (state_->pending && state_->pending->function != function) state_->pending.reset();

    Wasi wasi(*state_, GuestMemory(call.memory, call.address));
    const Errno error = perform(wasi, function, call.arguments);
    trace_call(function, call.arguments, error);
    if (error == Errno::intr && state_->leases.host().interrupt.raised()) {
        auto started = wasi.started_ns();
        state_->pending = {.function = function, .started_ns = started.ok() ? *started : 0};
        return {.kind = HostOutcome::Kind::interrupted};
    }
    state_->pending.reset();
    ++state_->completed_host_calls;
    if (wasi.ending()) return *wasi.ending();
    if (!call.results.empty()) call.results[0] = static_cast<std::uint64_t>(error);
    return {};
}

ByteVector Dispatcher::capture() const {
    return capture_state(*state_);
}

std::uint64_t Dispatcher::completed_host_calls() const {
    return state_->completed_host_calls;
}

}  // namespace sojourn::vm
