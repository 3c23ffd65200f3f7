#include <algorithm>
#include <cstring>
#include <sys/resource.h>
#include <utility>

#include "vm/exec/bulk.hpp"
#include "vm/exec/callee.hpp"
#include "vm/exec/compiled_code.hpp"
#include "vm/exec/host_call.hpp"
#include "vm/exec/interpreter.hpp"
#include "vm/exec/unwind.hpp"

/// Both tiers on one native stack, and what compiled code calls.
namespace sojourn::vm {

namespace {

/// What is left for whatever compiled code calls, and for the largest frame of a function.
constexpr std::uintptr_t kNativeReserveBytes = std::uintptr_t{256} << 10U;

/// Half of what the host gives a thread, as far as it says so.
std::uintptr_t native_stack_bytes() {
    constexpr rlim_t kWhenUnknown = rlim_t{1} << 20U;
    constexpr rlim_t kMost = rlim_t{64} << 20U;
    rlimit limit{};
    const bool is_known = ::getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return is_known ? std::min(limit.rlim_cur / 2, kMost) : kWhenUnknown;
}

std::uintptr_t native_depth() {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

/// As interpret(), in both tiers. The interpreter does not call compiled code itself: that would
/// take registers from all that it does.
Interruption run_both(Runtime& runtime, Thread& thread) {
    for (;;) {
        const Interruption interruption = interpret(runtime, thread);
        if (interruption.kind != Interruption::Kind::entering) return interruption;
        FrameState* const frame = thread.frame;
        std::uint64_t* const slots = thread.slots;
        const Word** const returns = thread.returns;
        const CompiledFunction& function = compiled_function(runtime, runtime.function_of(*frame));
        const CompiledEntry loop = std::exchange(runtime.native_stack.loop, nullptr);
        runtime.native_stack.run_in_compiled(true);
        (loop == nullptr ? function.entry : loop)(function.context, slots, frame);
        runtime.native_stack.run_in_compiled(false);
        thread.frame = frame - 1;
        thread.returns = returns - 1;
        thread.pc = *thread.returns;
        thread.slots = slots - thread.pc[-2].op.a;
        if (thread.pc == stub(Handler::return_to_compiled)) return {Interruption::Kind::returned};
        if (thread.pc == stub(Handler::finish_thread)) return {Interruption::Kind::finished};
    }
}

[[gnu::noinline]] Interruption interpret_or_land(Runtime& runtime, Thread& thread) {
    runtime.native_stack.depth = 0;
    if (setjmp(runtime.native_stack.landing) != 0) return runtime.native_stack.landed;
    return run_both(runtime, thread);
}

Runtime& runtime_of(Context context) {
    return *reinterpret_cast<Runtime*>(context[ContextLayout::kRuntime]);
}

Instance& instance_of(Context context) {
    return *runtime_of(context).instances[context[ContextLayout::kInstance]];
}

[[noreturn]] void trap_at(Runtime& runtime, FrameState* frame, std::uint32_t code_offset,
                          Trap trap) {
    runtime.native_stack.thread->frame = frame;
    set_position(*frame, pack({code_offset, 0}));
    land(runtime, {Interruption::Kind::trapped, trap});
}

[[noreturn]] void pause_at(Runtime& runtime, FrameState* frame) {
    Thread& thread = *runtime.native_stack.thread;
    thread.frame = frame;
    thread.pc = nullptr;
    runtime.poll.paused();
    land(runtime, {Interruption::Kind::paused});
}

std::uint64_t help_poll(Context context, FrameState* frame, std::uint64_t safepoints) {
    Runtime& runtime = runtime_of(context);
    std::uint64_t& count = *runtime.poll.count_address();
    count = safepoints;
    if (runtime.poll.pauses_here()) pause_at(runtime, frame);
    return count;
}

void help_trap(Context context, FrameState* frame, std::uint64_t place) {
    trap_at(runtime_of(context), frame, static_cast<std::uint32_t>(place >> 8U),
            static_cast<Trap>(place & 0xffU));
}

void help_leave(Context context, std::uint64_t* slots, FrameState* frame) {
    Runtime& runtime = runtime_of(context);
    Thread& thread = *runtime.native_stack.thread;
    thread.slots = slots;
    thread.frame = frame;
    thread.pc = runtime.function_of(*frame).entry;
    leave_compiled_code(runtime, thread);
}

void call_host(Runtime& runtime, Context context, const LinkedFunction& function,
               std::uint64_t* slots, FrameState* frame, std::uint64_t position) {
    const HostOutcome outcome = call_host_function(runtime, function, instance_of(context), slots);
    switch (outcome.kind) {
        case HostOutcome::Kind::done:
            return;
        case HostOutcome::Kind::interrupted:
            set_position(*frame, position);
            pause_at(runtime, frame);
        case HostOutcome::Kind::exited:
            runtime.native_stack.thread->frame = frame;
            land(runtime, {Interruption::Kind::exited, outcome.trap, outcome.exit_code});
        case HostOutcome::Kind::trapped:
            trap_at(runtime, frame, frame->code_offset, outcome.trap);
    }
}

/// Interprets `function` until it returns, in a frame that needs its identity alone.
void interpret_callee(Runtime& runtime, const LinkedFunction& function, std::uint64_t* slots,
                      FrameState* frame) {
    NativeStack& native = runtime.native_stack;
    Thread& thread = *native.thread;
    std::fill_n(slots + function.parameter_slots, function.zeroed_slots, 0);
    set_identity(*frame, function.identity);
    thread.slots = slots;
    thread.frame = frame;
    thread.pc = function.entry;
    if (native_depth() < native.limit) leave_compiled_code(runtime, thread);
    const Word** const returns = thread.returns;
    *thread.returns++ = stub(Handler::return_to_compiled);
    ++native.depth;
    native.run_in_compiled(false);
    const Interruption interruption = run_both(runtime, thread);
    --native.depth;
    thread.returns = returns;
    if (interruption.kind == Interruption::Kind::returned) {
        native.run_in_compiled(true);
        return;
    }
    if (interruption.kind == Interruption::Kind::paused) thread.pc = nullptr;
    land(runtime, interruption);
}

/// Requires: `frame` is the one that calls, or that is replaced.
void check_stack(Runtime& runtime, const LinkedFunction& function, const std::uint64_t* slots,
                 FrameState* frame, std::uintptr_t frames_end) {
    if (reinterpret_cast<std::uintptr_t>(slots) + function.slot_bytes_max + frames_end >
        runtime.native_stack.thread->limit) {
        trap_at(runtime, frame, frame->code_offset, Trap::stack_exhausted);
    }
}

void help_call(Context context, CompiledFunction* callee, std::uint64_t* slots, FrameState* frame,
               std::uint64_t position) {
    Runtime& runtime = runtime_of(context);
    const LinkedFunction& function = *callee->function;
    if (function.instance == nullptr) {
        call_host(runtime, context, function, slots, frame, position);
        return;
    }
    check_stack(runtime, function, slots, frame, reinterpret_cast<std::uintptr_t>(frame));
    interpret_callee(runtime, function, slots, frame + 1);
}

void help_tail_call(Context context, CompiledFunction* callee, std::uint64_t* arguments,
                    std::uint64_t* slots, FrameState* frame, std::uint64_t position) {
    Runtime& runtime = runtime_of(context);
    const LinkedFunction& function = *callee->function;
    if (function.instance == nullptr) {
        call_host(runtime, context, function, arguments, frame, position);
        std::memmove(slots, arguments, function.result_slots * sizeof(std::uint64_t));
        return;
    }
    check_stack(runtime, function, slots, frame, reinterpret_cast<std::uintptr_t>(frame - 1));
    std::memmove(slots, arguments, function.parameter_slots * sizeof(std::uint64_t));
    interpret_callee(runtime, function, slots, frame);
}

/// The thread without its native stack: as the interpreter finds its way in the frames.
Thread& interpreted_thread(Runtime& runtime, FrameState* frame) {
    Thread& thread = *runtime.native_stack.thread;
    runtime.native_stack.depth = 0;
    thread.pc = nullptr;
    thread.frame = frame;
    thread.rebuild_returns(runtime);
    return thread;
}

/// `trap` is why it is not caught.
[[noreturn]] void land_thrown(Runtime& runtime, FrameState* frame, std::optional<Trap> trap) {
    if (trap) trap_at(runtime, frame, frame->code_offset, *trap);
    land(runtime, {Interruption::Kind::left});
}

void help_throw_new(Context context, FrameState* frame, std::uint64_t tag_index,
                    const std::uint64_t* values) {
    Runtime& runtime = runtime_of(context);
    const ExceptionTag& tag = *instance_of(context).tags[tag_index];
    Thread& thread = interpreted_thread(runtime, frame);
    land_thrown(runtime, frame, throw_new(runtime, thread, tag, values));
}

void help_throw_again(Context context, FrameState* frame, std::uint64_t reference) {
    Runtime& runtime = runtime_of(context);
    Thread& thread = interpreted_thread(runtime, frame);
    land_thrown(runtime, frame, throw_again(runtime, thread, reference));
}

CompiledFunction* help_element(Context context, Table* table, std::uint64_t index,
                               std::uint64_t type, FrameState* frame) {
    Runtime& runtime = runtime_of(context);
    const TypeId wanted{static_cast<std::uint32_t>(type)};
    if (LinkedFunction* const known = known_element_callee(*table, index, wanted))
        return &compiled_function(runtime, *known);
    const auto [callee, trap] = find_element_callee(runtime, *table, index, wanted);
    if (callee == nullptr) trap_at(runtime, frame, frame->code_offset, trap);
    return &compiled_function(runtime, *callee);
}

CompiledFunction* help_referenced(Context context, std::uint64_t reference, std::uint64_t type,
                                  FrameState* frame) {
    Runtime& runtime = runtime_of(context);
    Trap trap{};
    LinkedFunction* const callee =
        referenced_callee(runtime, reference, TypeId{static_cast<std::uint32_t>(type)}, trap);
    if (callee == nullptr) trap_at(runtime, frame, frame->code_offset, trap);
    return &compiled_function(runtime, *callee);
}

std::uint64_t trap_number(std::optional<Trap> trap) {
    return trap ? std::uint64_t{1} + static_cast<std::uint8_t>(*trap) : 0;
}

std::uint32_t index_from(std::uint64_t word) {
    return static_cast<std::uint32_t>(word);
}

std::uint64_t help_reference(const CompiledFunction* function) {
    return function->function->reference();
}

std::uint64_t help_memory_grow(LinearMemory* memory, std::uint64_t pages) {
    return grow(*memory, pages);
}

std::uint64_t help_table_grow(Table* table, std::uint64_t elements, std::uint64_t value) {
    return grow(*table, elements, value);
}

std::uint64_t help_table_size(const Table* table) {
    return table->size;
}

std::uint64_t help_memory_init(Context context, LinearMemory* memory, std::uint64_t segment,
                               std::uint64_t to, std::uint64_t from, std::uint64_t count) {
    Instance& instance = instance_of(context);
    return trap_number(write_segment(instance, *memory, index_from(segment), {to, from, count}));
}

std::uint64_t help_memory_copy(LinearMemory* to_memory, const LinearMemory* from_memory,
                               std::uint64_t to, std::uint64_t from, std::uint64_t count) {
    return trap_number(copy_bytes(*to_memory, *from_memory, {to, from, count}));
}

std::uint64_t help_memory_fill(LinearMemory* memory, std::uint64_t to, std::uint64_t value,
                               std::uint64_t count) {
    return trap_number(fill_bytes(*memory, {to, value, count}));
}

std::uint64_t help_table_init(Context context, Table* table, std::uint64_t segment,
                              std::uint64_t to, std::uint64_t from, std::uint64_t count) {
    Instance& instance = instance_of(context);
    return trap_number(write_segment(instance, *table, index_from(segment), {to, from, count}));
}

std::uint64_t help_table_copy(Table* to_table, const Table* from_table, std::uint64_t to,
                              std::uint64_t from, std::uint64_t count) {
    return trap_number(copy_elements(*to_table, *from_table, {to, from, count}));
}

std::uint64_t help_table_fill(Table* table, std::uint64_t to, std::uint64_t value,
                              std::uint64_t count) {
    return trap_number(fill_elements(*table, {to, value, count}));
}

std::uint64_t help_table_get(const Table* table, std::uint64_t index, std::uint64_t* value) {
    if (index >= table->size) return trap_number(Trap::out_of_bounds_table);
    *value = table->elements()[index];
    return 0;
}

std::uint64_t help_table_set(Table* table, std::uint64_t index, std::uint64_t value) {
    if (index >= table->size) return trap_number(Trap::out_of_bounds_table);
    table->elements()[index] = value;
    return 0;
}

std::uint64_t help_data_drop(Context context, std::uint64_t segment) {
    instance_of(context).dropped_data[segment] = true;
    return 0;
}

std::uint64_t help_elem_drop(Context context, std::uint64_t segment) {
    instance_of(context).dropped_elements[segment] = true;
    return 0;
}

}  // namespace

const CompiledHelpers kCompiledHelpers{
    .poll = help_poll,
    .trap = help_trap,
    .leave = help_leave,
    .call = help_call,
    .tail_call = help_tail_call,
    .throw_new = help_throw_new,
    .throw_again = help_throw_again,
    .element = help_element,
    .referenced = help_referenced,
    .reference = help_reference,
    .memory_grow = help_memory_grow,
    .table_grow = help_table_grow,
    .table_size = help_table_size,
    .memory_init = help_memory_init,
    .memory_copy = help_memory_copy,
    .memory_fill = help_memory_fill,
    .table_init = help_table_init,
    .table_copy = help_table_copy,
    .table_fill = help_table_fill,
    .table_get = help_table_get,
    .table_set = help_table_set,
    .data_drop = help_data_drop,
    .elem_drop = help_elem_drop,
};

void land(Runtime& runtime, const Interruption& interruption) {
    runtime.native_stack.run_in_compiled(false);
    runtime.native_stack.landed = interruption;
    std::longjmp(runtime.native_stack.landing, 1);
}

void leave_compiled_code(Runtime& runtime, Thread& thread) {
    thread.rebuild_returns(runtime);
    land(runtime, {Interruption::Kind::left});
}

Interruption run_thread(Runtime& runtime, Thread& thread) {
    if (runtime.tier == nullptr) return interpret(runtime, thread);
    NativeStack& native = runtime.native_stack;
    native.thread = &thread;
    native.limit = native_depth() - native_stack_bytes() + kNativeReserveBytes;
    if (thread.pc == nullptr) thread.stand_up(runtime);
    for (;;) {
        const Interruption interruption = interpret_or_land(runtime, thread);
        if (interruption.kind != Interruption::Kind::left) return interruption;
    }
}

}  // namespace sojourn::vm
