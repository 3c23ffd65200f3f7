#include "vm/exec/host_call.hpp"

#include <algorithm>

namespace sojourn::vm {

HostOutcome call_host_function(Runtime& runtime, const LinkedFunction& function,
                               const Instance& caller, std::uint64_t* slots) {
    // Arguments and results share their slots, so the results wait beside until the call is done.
    auto& results = runtime.host_results;
    results.assign(function.result_slots, 0);
    const HostOutcome outcome = runtime.host.call({.function = function.host_function,
                                                   .memory = caller.memory_region(),
                                                   .arguments = {slots, function.parameter_slots},
                                                   .results = results,
                                                   .address = caller.module->address_type()});
    if (outcome.kind == HostOutcome::Kind::done) {
        std::ranges::copy(results, slots);
        ++runtime.host_calls;
    }
    return outcome;
}

}  // namespace sojourn::vm
