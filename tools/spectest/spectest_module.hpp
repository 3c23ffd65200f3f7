#pragma once

#include "vm/machine.hpp"

namespace sojourn::spec {

/// What scripts import from under the name `spectest`. Its functions print nothing.
Result<std::shared_ptr<const vm::Module>> load_spectest_module();

}  // namespace sojourn::spec
