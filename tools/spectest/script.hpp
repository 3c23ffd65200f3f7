#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace sojourn::spec {

/// A script as wast2json and tests/spec/conversion write it: commands, and beside them one file a
/// module. Every command is of a known type, has what this takes, and its module is there.
struct Script {
    nlohmann::json commands;
    std::filesystem::path folder;  ///< of the modules
};

/// Errors: those of the file; corrupt, not_found, unsupported, naming the file and the line of the
/// command.
Result<Script> read_script(const std::filesystem::path& json);

}  // namespace sojourn::spec
