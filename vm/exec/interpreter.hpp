#pragma once

#include "vm/exec/interruption.hpp"
#include "vm/exec/thread.hpp"

namespace sojourn::vm {

/// Runs `thread` until something ends it or it pauses, or it returns to the compiled code that
/// called. Requires: the thread is not idle.
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
