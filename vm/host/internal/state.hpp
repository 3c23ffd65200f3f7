#pragma once

#include <optional>

#include "leases/clock.hpp"
#include "leases/manager.hpp"
#include "vm/host/dispatcher.hpp"
#include "vm/host/internal/descriptor_table.hpp"

namespace sojourn::vm {

/// What a guest may import: the rows of vm/host/wasi.def, then those of vm/host/sojourn.def.
enum class HostFunction : std::uint32_t {
#define FUNCTION(name, types) wasi_##name,
#include "vm/host/wasi.def"
#undef FUNCTION
#define FUNCTION(name, types) sojourn_##name,
#include "vm/host/sojourn.def"
#undef FUNCTION
};

/// Unique; of a function that is not WASI's with its module in front. On disk.
std::string_view name_of(HostFunction function);
std::optional<HostFunction> function_named(std::string_view name);

/// A call that was broken off, and will be made again.
struct PendingCall {
    HostFunction function{};
    std::uint64_t started_ns = 0;  ///< on the guest's monotonic clock, which stops while suspended
};

struct Dispatcher::State {
    leases::LeaseManager& leases;
    Supervisor& supervisor;
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    /// From the next time that the guest asks how much room it takes: it has made that room, and
    /// may fill it later. Empty: as it is.
    std::vector<std::string> environment_to_come;
    DescriptorTable descriptors;
    leases::LeaseId clock{0};
    leases::LeaseId random{0};
    std::optional<PendingCall> pending;
    std::uint64_t completed_host_calls = 0;
};

ByteVector capture_state(const Dispatcher::State& state);
Result<std::unique_ptr<Dispatcher::State>> restore_state(leases::LeaseManager& leases, Bytes bytes,
                                                         Supervisor& supervisor);

}  // namespace sojourn::vm
