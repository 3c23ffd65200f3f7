#pragma once

#include <cstdint>

#include "vm/trap.hpp"

namespace sojourn::vm {

/// Why a thread came back.
struct Interruption {
    enum class Kind : std::uint8_t {
        finished,  ///< the results are the thread's first slots
        trapped,   ///< the frames tell where
        exited,
        paused,  ///< at a safepoint; the frames are complete
        // Never seen outside of vm/exec:
        entering,  ///< the thread stands where it goes on in compiled code
        returned,  ///< to the compiled code that called
        left,      ///< compiled code: the thread stands where the interpreter goes on
    };
    Kind kind;
    Trap trap = Trap::unreachable;
    std::int32_t exit_code = 0;
};

}  // namespace sojourn::vm
