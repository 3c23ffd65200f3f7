#pragma once

#include <memory>

#include "base/result.hpp"
#include "vm/exec/compiled.hpp"

namespace sojourn::vm::jit {

/// Makes code for the processor that this runs on, with LLVM. Errors: unsupported.
Result<std::unique_ptr<Compiler>> make_llvm_compiler();

}  // namespace sojourn::vm::jit
