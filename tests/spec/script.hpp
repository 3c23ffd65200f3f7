#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace sojourn::spec {

/// A script of the suite as tests/spec/conversion writes it, next to one file a module.
struct Script {
    nlohmann::json commands;
    std::filesystem::path folder;  ///< of the modules
};

/// Errors: io.
Result<Script> read_script(const std::filesystem::path& json);

}  // namespace sojourn::spec
