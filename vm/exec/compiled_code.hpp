#pragma once

#include "vm/exec/compiled.hpp"
#include "vm/exec/thread.hpp"

/// The compiled functions of the instances of a machine that has a tier.
namespace sojourn::vm {

/// What compiled code of one instance finds by position: its context and its functions.
struct InstanceCode {
    std::vector<std::uint64_t> context;
    std::vector<CompiledFunction> functions;  ///< by index of the module; never resized
};

/// Where a function goes on that was called as often as the tier's patience lasts. When there is
/// code, or will never be, this is its entry from now on. Requires: it is translated.
const Word* prepare_code(Runtime& runtime, LinkedFunction& function);

/// Whether there is compiled code for the frame that stands behind the safepoint of the loop at
/// `pc`, come to as often as the tier's patience lasts; then NativeStack::loop is that.
bool find_compiled_loop(Runtime& runtime, const FrameState& frame, const Word* pc);

/// A function as compiled code calls it.
CompiledFunction& compiled_function(Runtime& runtime, LinkedFunction& function);

/// What compiled code calls.
extern const CompiledHelpers kCompiledHelpers;

/// Runs `thread` in both tiers until something ends it or it pauses. Requires: the thread is not
/// idle.
Interruption run_thread(Runtime& runtime, Thread& thread);

/// Leaves all compiled code that called, and the interpreter between: the thread, which stands at
/// thread.pc, goes on in the interpreter. Requires: there is some.
[[noreturn]] void leave_compiled_code(Runtime& runtime, Thread& thread);

/// Ends the call that compiled code is in. Requires: the thread says what is left of it.
[[noreturn]] void land(Runtime& runtime, const Interruption& interruption);

}  // namespace sojourn::vm
