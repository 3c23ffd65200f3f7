#pragma once

#include "vm/exec/thread.hpp"

namespace sojourn::vm {

/// Why interpret() came back.
struct Interruption {
    enum class Kind : std::uint8_t {
        finished,  ///< the results are the thread's first slots
        trapped,   ///< the frames tell where
        exited,
        paused,  ///< at a safepoint; the frames are complete
    };
    Kind kind;
    Trap trap = Trap::unreachable;
    std::int32_t exit_code = 0;
};

/// Runs `thread` until something ends it or it pauses. Requires: the thread is not idle.
Interruption interpret(Runtime& runtime, Thread& thread);

/// The addresses that operations hold.
const HandlerTable& interpreter_handlers();

inline const void* address_of(Handler handler) {
    return interpreter_handlers()[static_cast<std::size_t>(handler)];
}

/// The callee that a call of a known function names.
inline const LinkedFunction* callee_of(const Word* call) {
    return reinterpret_cast<const LinkedFunction*>(call[1].more.first);
}

/// Operations that no function's code contains, for entries and return addresses.
const Word* stub(Handler handler);

}  // namespace sojourn::vm
