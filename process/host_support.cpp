#include "process/internal/host_support.hpp"

#include <algorithm>
#include <sys/resource.h>

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

std::uint32_t guest_descriptors_max() {
    constexpr rlim_t kRunner = 128;
    constexpr rlim_t kGuestMin = 64;
    constexpr rlim_t kGuestMax = 16'384;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kGuestMin;
    const rlim_t wanted = std::min(limit.rlim_max, kGuestMax + kRunner);
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    const rlim_t left = limit.rlim_cur > kRunner ? limit.rlim_cur - kRunner : 0;
    return static_cast<std::uint32_t>(std::clamp(left, kGuestMin, kGuestMax));
}

}  // namespace sojourn::process
