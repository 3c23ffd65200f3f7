#include "process/run_stats.hpp"

#include <nlohmann/json.hpp>

namespace sojourn::process {

void RunStats::begin(Incarnation& life) {
    safepoints_before_ = life.machine().stats().safepoints;
    host_calls_before_ = life.dispatcher().completed_host_calls();
}

void RunStats::end(Incarnation& life) {
    const heap::HeapStats heap = life.heap().stats();
    safepoints = life.machine().stats().safepoints - safepoints_before_;
    tier_switches += life.machine().stats().tier_switches;
    faults += heap.faults;
    evictions += heap.evictions;
    heap_mechanism = heap::text_of(life.heap().mechanism());
    host_calls = life.dispatcher().completed_host_calls() - host_calls_before_;
}

Result<void> RunStats::write(const std::filesystem::path& path) const {
    const nlohmann::ordered_json object = {{"schema", 1},
                                           {"safepoints", safepoints},
                                           {"reincarnations", reincarnations},
                                           {"faults", faults},
                                           {"evictions", evictions},
                                           {"heap_mechanism", heap_mechanism},
                                           {"checkpoints", checkpoints.load()},
                                           {"host_calls", host_calls},
                                           {"expiries", expiries},
                                           {"tier_switches", tier_switches},
                                           {"functions", functions},
                                           {"compile_us", compile_ns / 1000}};
    return write_file(path, as_bytes(object.dump(2) + "\n"));
}

}  // namespace sojourn::process
