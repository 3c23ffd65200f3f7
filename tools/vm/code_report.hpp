#pragma once

#include "process/control_protocol.hpp"
#include "process/stored_checkpoint.hpp"
#include "tools/vm/output.hpp"

/// How the code of a process that runs is run by now.
namespace sojourn::tools {

/// nullopt: nobody runs it, or its runner does not tell.
std::optional<process::CodeUse> ask_for_code(const std::filesystem::path& run_directory,
                                             const store::ProcessRecord& record);

/// The machine has the functions' names.
Json json_of(const process::CodeUse& code, const vm::StoredMachine& machine);
Result<void> print_code(const process::CodeUse& code, const vm::StoredMachine& machine);

}  // namespace sojourn::tools
