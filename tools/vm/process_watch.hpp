#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "process/remote.hpp"
#include "store/store.hpp"

/// What the processes of a store do, looked at again and again.
namespace sojourn::tools {

struct WatchedProcess {
    store::ProcessRecord record;
    process::Observation observation;
    std::optional<process::MemoryUse> memory;             ///< of a runner that answered
    std::optional<std::uint64_t> dirty_bytes_per_second;  ///< since the last look
    std::optional<double> processor_share;                ///< since the last look; 1: one core
    std::optional<store::CheckpointInfo> newest_checkpoint;
    std::size_t checkpoint_count = 0;
};

/// Borrows the store and the clock.
class ProcessWatch {
public:
    ProcessWatch(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

    /// All that can be read, those that run first, then by name. Rates are there from the second
    /// look on. Errors: those of the catalogue.
    Result<std::vector<WatchedProcess>> look();

private:
    struct Seen {
        std::uint64_t at_ns = 0;
        pid_t pid = 0;
        std::uint64_t processor_ns = 0;
        std::uint64_t dirty_bytes = 0;
        store::Version head = store::kNoVersion;
    };

    void look_at_runner(WatchedProcess& process);
    void add_rates(WatchedProcess& process, const Seen& before, const Seen& now) const;

    store::Store& store_;
    const Clock& clock_;
    std::map<store::ProcessId, Seen> seen_;
};

}  // namespace sojourn::tools
