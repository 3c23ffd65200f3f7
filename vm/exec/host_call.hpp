#pragma once

#include "vm/exec/runtime.hpp"

namespace sojourn::vm {

/// Performs one call of an imported host function out of `caller`: the arguments lie from `slots`
/// on, and there the results go once the call is done. Otherwise the slots stay as they are.
HostOutcome call_host_function(Runtime& runtime, const LinkedFunction& function,
                               const Instance& caller, std::uint64_t* slots);

}  // namespace sojourn::vm
