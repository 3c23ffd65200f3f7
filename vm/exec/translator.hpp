#pragma once

#include "vm/exec/runtime.hpp"

namespace sojourn::vm {

/// Register code for a function of `instance`, in one pass over its validated body. Addresses of
/// globals, tables and callees of this instance are part of it.
Translation translate(Runtime& runtime, const Instance& instance, const Function& function);

}  // namespace sojourn::vm
