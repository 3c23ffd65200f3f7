#pragma once

#include <optional>

#include "vm/exec/thread.hpp"

/// Throwing: from the place where a thread stands to the innermost clause that catches.
namespace sojourn::vm {

/// Throws a new exception, which carries the slots from `values` on. Caught: the thread stands
/// where the clause lands. Else it is as it was, and what comes back says why. Requires: thread.pc
/// is the instruction that throws, or nullptr: then the top frame says. With compiled code among
/// its callers they are left first, and it does not come back: the instruction is run again.
std::optional<Trap> throw_new(Runtime& runtime, Thread& thread, const ExceptionTag& tag,
                              const std::uint64_t* values);

/// The same of the exception that `reference` leads to.
std::optional<Trap> throw_again(Runtime& runtime, Thread& thread, Reference reference);

}  // namespace sojourn::vm
