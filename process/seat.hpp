#pragma once

#include <memory>
#include <optional>

#include "leases/file_history.hpp"
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
    std::unique_ptr<leases::FileHistory> files;  ///< null: of a store in memory nothing is resumed

    /// Forgets the store and opens it afresh; the token stays good.
    Result<void> reopen(Random& random) {
        files.reset();
        family.reset();
        store.reset();
        store = TRY(store::Store::open(location, open_options, random));
        family = TRY(store->family(record.family));
        return open_files();
    }

    /// Requires: nobody else can act for the process.
    Result<void> open_files() {
        const auto directory = store->file_history_directory(record);
        if (!directory.empty()) files = TRY(leases::FileHistory::open(directory));
        return {};
    }
};

}  // namespace sojourn::process
