#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "store/internal/database_file.hpp"

namespace sojourn::store {

/// Keys of a table in [first, end) that may be missing; the same twice is one key.
struct LostKeys {
    std::string table;
    ByteVector first;
    std::optional<ByteVector> end;  ///< nullopt: up to the last one
};

struct Salvage {
    std::vector<std::string> problems;  ///< one sentence each
    std::vector<LostKeys> lost;
};

/// Takes an entry of `table`. The key is a view for the call.
using TakeEntry = std::function<Result<void>(std::string_view table, Bytes key, ByteVector value)>;

/// Gives `take` every entry of a database that its newest commit leads to through undamaged pages,
/// table by table, in key order. Reads the file alone: nothing in its folder changes. What the
/// entries say is not looked at. Errors: corrupt when there is nothing to be had; busy when
/// somebody writes meanwhile; io; those of `take`.
Result<Salvage> salvage_database(const std::filesystem::path& data_file, const TakeEntry& take);

}  // namespace sojourn::store
