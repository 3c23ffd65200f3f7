#pragma once

#include <functional>
#include <map>

#include "store/store.hpp"

/// What occupies the space of a store: by process, by what it is, and free.
namespace sojourn::store {

/// What a unit of memory is part of.
enum class UnitContent { memory, volume, machine };

/// By region, as a checkpoint has them; what is not named is memory. Called once a checkpoint.
using FindContents =
    std::function<std::map<RegionId, UnitContent>(const Family& family, Version checkpoint)>;

struct ProcessUsage {
    ProcessId id;
    FamilyId family;
    std::string name;  ///< empty: unnamed
    std::uint64_t checkpoints = 0;
    std::uint64_t alone_bytes =
        0;  ///< of values that would go with it, as Family::bytes_freed_by()
    std::uint64_t shared_bytes = 0;  ///< of values that others of its family need as well
    std::uint64_t file_history_bytes = 0;
};

struct ModuleUsage {
    Sha256 digest;
    std::uint64_t bytes = 0;  ///< as it is stored
};

/// Bytes. What is from `memory` to `other` adds up to `files`, unless somebody writes meanwhile.
struct StoreUsage {
    std::uint64_t memory = 0;  ///< values, each once, however many processes read it
    std::uint64_t volumes = 0;
    std::uint64_t machine_states = 0;
    std::uint64_t modules = 0;
    std::uint64_t code = 0;          ///< compiled, for guests that run again
    std::uint64_t pending = 0;       ///< values that a writer has staged or that wait for a sweep
    std::uint64_t file_history = 0;  ///< files as they were (docs/formats/file_history.md)
    std::uint64_t structure = 0;     ///< trees, records, and what values leave of their pages
    std::uint64_t free = 0;          ///< pages of databases that nothing uses
    std::uint64_t other = 0;         ///< locks, notes, sockets

    std::uint64_t files = 0;               ///< the sum
    std::uint64_t allocated = 0;           ///< what the file system has given them
    std::vector<ProcessUsage> processes;   ///< as Store::listed()
    std::vector<ModuleUsage> all_modules;  ///< by digest
};

/// Requires: the store is in a directory. Errors: corrupt, io.
Result<StoreUsage> measure_usage(Store& store, const FindContents& find_contents);

}  // namespace sojourn::store
