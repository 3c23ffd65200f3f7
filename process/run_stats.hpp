#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <string>

#include "process/incarnation.hpp"

namespace sojourn::process {

/// What happened in one run of a runner, over all its incarnations: `--stats`.
class RunStats {
public:
    std::uint64_t safepoints = 0;
    std::uint64_t reincarnations = 0;
    std::uint64_t faults = 0;
    std::uint64_t evictions = 0;
    std::string heap_mechanism;
    std::atomic<std::uint64_t> checkpoints = 0;      ///< published, for whatever reason
    std::uint64_t host_calls = 0;                    ///< completed ones
    std::uint64_t expiries = 0;                      ///< of leases, for whatever reason
    std::uint64_t tier_switches = 0;                 ///< from interpreted to compiled code, or back
    std::map<std::string, std::uint64_t> functions;  ///< as vm::CompiledTier::counts() has them
    std::uint64_t compile_ns = 0;                    ///< processor time

    /// The first life begins: what the process did before does not count.
    void begin(Incarnation& life);
    /// A life ends: what happened in it is added.
    void end(Incarnation& life);

    /// One JSON object. Errors: those of the file.
    Result<void> write(const std::filesystem::path& path) const;

private:
    // These counters are state of the process: they go on from life to life.
    std::uint64_t safepoints_before_ = 0;
    std::uint64_t host_calls_before_ = 0;
};

}  // namespace sojourn::process
