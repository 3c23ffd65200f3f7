#include "process/internal/host_support.hpp"

namespace sojourn::process {

Result<void> check_host_supports(const Execution& execution) {
    const auto mechanism = execution.heap_mechanism;
    const auto eviction = execution.cache_bytes ? heap::Eviction::needed : heap::Eviction::never;
    const auto chosen = heap::choose_mechanism(mechanism, eviction);
    if (chosen.ok()) return {};
    if (!heap::choose_mechanism(mechanism, heap::Eviction::never).ok()) return chosen.error();
    return fail(chosen.error().code,
                "{}; it is needed for a limited cache: give --cache unlimited, or another "
                "--heap-mechanism",
                chosen.error().message);
}

}  // namespace sojourn::process
