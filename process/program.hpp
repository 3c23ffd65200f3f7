#pragma once

#include <filesystem>
#include <memory>

#include "process/incarnation.hpp"

/// A command: a module that is entered at `_start`, after its own start function if it has one.
namespace sojourn::process {

/// Errors: those of the file and of load_module. Each names the file.
Result<std::shared_ptr<const vm::Module>> load_module_file(
    const std::filesystem::path& path,
    vm::BodyValidation body_validation = vm::BodyValidation::whole);

/// As load_module_file(). Errors: also invalid_argument when there is no `_start`.
Result<std::shared_ptr<const vm::Module>> load_program(const std::filesystem::path& path,
                                                       vm::BodyValidation body_validation);

/// Instantiates the program on a new life and begins its first call. A trap is one that an active
/// segment caused.
Result<std::optional<vm::Trap>> begin_program(Incarnation& life,
                                              std::shared_ptr<const vm::Module> program);

/// After a call has finished: begins the next one, or says that there is none.
bool begin_next_call(Incarnation& life);

}  // namespace sojourn::process
