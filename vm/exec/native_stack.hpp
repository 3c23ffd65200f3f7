#pragma once

#include <csetjmp>
#include <cstdint>

#include "vm/exec/compiled.hpp"
#include "vm/exec/interruption.hpp"

namespace sojourn::vm {

class Thread;

/// The host's stack while compiled code runs on it. Nothing of a guest is on it alone: at every
/// call the frames are complete, so that it can be dropped at once.
struct NativeStack {
    Thread* thread = nullptr;      ///< that runs
    std::uintptr_t limit = 0;      ///< compiled code goes no deeper
    std::uint32_t depth = 0;       ///< interpreters that compiled code has called
    bool is_in_compiled = false;   ///< code runs, not the interpreter
    std::uint64_t switches = 0;    ///< between the two, so far
    CompiledEntry loop = nullptr;  ///< that is being entered; nullptr: a whole function is
    std::jmp_buf landing;          ///< where it began
    Interruption landed{};         ///< why it was dropped

    void run_in_compiled(bool is_so) {
        switches += is_so != is_in_compiled ? 1 : 0;
        is_in_compiled = is_so;
    }
};

}  // namespace sojourn::vm
