#pragma once

#include <filesystem>

#include "process/process.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

/// A process that has a runner, and where to speak to it. The store is not kept open.
struct RunningProcess {
    store::ProcessRecord record;
    std::filesystem::path run_directory;
    process::DetachedFiles files;
};

/// Errors: not_found; invalid_argument when it is not running, with what can be done instead.
Result<RunningProcess> find_running(const Invocation& invocation, const std::string& name);

}  // namespace sojourn::tools
