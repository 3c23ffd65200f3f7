#pragma once

#include <memory>

#include "base/result.hpp"
#include "vm/jit/onlooker.hpp"

namespace sojourn::vm::jit {

/// Makes code for the processor that this runs on, with LLVM. `onlooker`, if there is one, takes
/// the place of what the options dump. Errors: unsupported.
Result<std::unique_ptr<Compiler>> make_llvm_compiler(const CompilerOptions& options,
                                                     std::unique_ptr<Onlooker> onlooker = nullptr);

}  // namespace sojourn::vm::jit
