#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace sojourn::spec {

/// A script of the suite as wast2json writes it, next to one file a module.
struct Script {
    nlohmann::json commands;
    std::filesystem::path folder;  ///< of the modules
    std::size_t unreadable = 0;  ///< forms that wast2json can't read, left out with what needs them
};

/// Converts FILE.wast into `folder`. Debian's wast2json knows an older dialect than the suite is
/// written in: a form it stumbles over is left out, and so is what speaks of a module left out.
/// Errors: unsupported when wast2json is missing, crashes, or reads nothing of it; io.
Result<Script> convert_script(const std::filesystem::path& wast,
                              const std::filesystem::path& folder);

/// Assembles a text module with wat2wasm. Errors: as convert_script().
Result<std::filesystem::path> assemble(const std::filesystem::path& wat,
                                       const std::filesystem::path& folder);

}  // namespace sojourn::spec
