#pragma once

#include "vm/exec/runtime.hpp"

namespace sojourn::vm {

/// Register code for a function of `instance`, in one pass over its validated body. Addresses of
/// globals, tables and callees of this instance are part of it.
/// Requires: the function is not imported.
Translation translate(Runtime& runtime, const Instance& instance, std::uint32_t function_index);

}  // namespace sojourn::vm
