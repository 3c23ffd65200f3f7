#pragma once

#include <functional>

#include "store/store.hpp"

/// Reads all of a store and says what does not hold, and which checkpoints that costs.
namespace sojourn::store {

struct Problem {
    std::string process;  ///< name, or id where it has none; empty: the catalogue
    std::string what;     ///< a sentence
};

struct LostCheckpoint {
    std::string process;
    Version checkpoint = kNoVersion;
    std::string why;
};

struct VerifyReport {
    std::vector<Problem> problems;
    std::vector<LostCheckpoint> lost;  ///< those that can't be read in full; all others can
};

/// Told how many bytes of values were looked through since it was last.
using BytesSeen = std::function<void(std::uint64_t bytes)>;

/// Families, and the values of each, are looked through by as many threads as there are processors.
/// `progress` is called by one of them at a time. Errors: those that say nothing of the store, such
/// as io.
Result<VerifyReport> verify_store(Store& store, const BytesSeen& progress);

}  // namespace sojourn::store
