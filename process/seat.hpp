#pragma once

#include <memory>
#include <optional>

#include "process/runner_lock.hpp"
#include "store/store.hpp"

namespace sojourn::process {

/// What a runner must have in its hands to act for a process: its store, its family, the epoch,
/// and, for a named one, the lock.
struct Seat {
    std::optional<RunnerLock> lock;  ///< let go of last
    std::string location;
    store::OpenOptions open_options;
    std::unique_ptr<store::Store> store;
    std::shared_ptr<store::Family> family;
    store::ProcessRecord record;
    store::FencingToken token;

    /// Forgets the store and opens it afresh; the token stays good.
    Result<void> reopen(Random& random) {
        family.reset();
        store.reset();
        store = TRY(store::Store::open(location, open_options, random));
        family = TRY(store->family(record.family));
        return {};
    }
};

}  // namespace sojourn::process
