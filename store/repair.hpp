#pragma once

#include <filesystem>
#include <functional>

#include "store/store.hpp"
#include "store/verify.hpp"

/// Brings what is not damaged of a store into a new one beside it.
namespace sojourn::store {

struct RepairReport {
    std::vector<Problem> problems;      ///< what was found damaged
    std::vector<LostCheckpoint> lost;   ///< those that could not be read in full
    std::vector<std::string> set_back;  ///< processes that now stand at an older checkpoint
    std::vector<std::string> gone;      ///< processes of which no checkpoint is left
    std::uint64_t processes = 0;        ///< in the new store
    std::uint64_t checkpoints = 0;
};

/// Makes a store at `into`, which is not there, of every checkpoint in `damaged` that can be read
/// in full: with its number, tags, branches and process, files as they were, grants and modules.
/// Reads files alone, and changes nothing of `damaged`; nobody may write to it meanwhile.
/// `progress` is called with how many bytes of databases have been read since it was last. Errors:
/// not_found, already_exists, busy, unsupported (the processes are elsewhere), store_full, io; then
/// there is nothing at `into`.
Result<RepairReport> repair_store(const std::filesystem::path& damaged,
                                  const std::filesystem::path& into, Random& random,
                                  const std::function<void(std::uint64_t bytes)>& progress);

}  // namespace sojourn::store
