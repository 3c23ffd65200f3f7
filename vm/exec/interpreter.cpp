#include "vm/exec/interpreter.hpp"

#include "vm/exec/bulk.hpp"
#include "vm/exec/callee.hpp"
#include "vm/exec/compiled_code.hpp"
#include "vm/exec/host_call.hpp"
#include "vm/exec/operations.hpp"
#include "vm/exec/unwind.hpp"
#include "vm/exec/vector_operations.hpp"

/// The dispatch loop: one handler an operation, each ending in a jump to the next one's.
namespace sojourn::vm {

namespace {

#define NEXT(words)            \
    do {                       \
        pc += (words);         \
        goto * pc->op.handler; \
    } while (false)
#define NEXT_AT(target)        \
    do {                       \
        pc = (target);         \
        goto * pc->op.handler; \
    } while (false)
#define TRAP_WITH(kind) \
    do {                \
        trap = (kind);  \
        goto trapped;   \
    } while (false)
#define TRAP_IF_ANY(outcome)                               \
    do {                                                   \
        if (const auto kind = (outcome)) TRAP_WITH(*kind); \
    } while (false)
#define POLL()                                   \
    do {                                         \
        if (poll.arrive()) [[unlikely]] {        \
            if (poll.pauses_here()) goto paused; \
        }                                        \
    } while (false)
#define WRITE_BACK()              \
    do {                          \
        thread.pc = pc;           \
        thread.slots = slots;     \
        thread.frame = frame;     \
        thread.returns = returns; \
    } while (false)
#define USE_MEMORY(linear_memory)                                            \
    do {                                                                     \
        memory = (linear_memory);                                            \
        memory_base = memory == nullptr ? nullptr : memory->region->base();  \
        memory_bytes = memory == nullptr ? 0 : memory->region->size_bytes(); \
    } while (false)
#define SWITCH_TO(next_instance)                                                       \
    do {                                                                               \
        instance = (next_instance);                                                    \
        USE_MEMORY(instance->memories.empty() ? nullptr : instance->memories.front()); \
    } while (false)
/// The frame of the function `called` at `pc`: its parameters are the caller's arguments, where
/// they lie.
#define PUSH_FRAME(called)                                                      \
    do {                                                                        \
        std::uint64_t* const first = slots + pc->op.a;                          \
        if (reinterpret_cast<std::uintptr_t>(first) + (called).slot_bytes_max + \
                reinterpret_cast<std::uintptr_t>(frame) >                       \
            thread.limit) [[unlikely]] {                                        \
            TRAP_WITH(Trap::stack_exhausted);                                   \
        }                                                                       \
        set_position(*frame, pc[1].more.second);                                \
        set_identity(*++frame, (called).identity);                              \
        *returns++ = pc + 2;                                                    \
        slots = first;                                                          \
        if ((called).zeroed_slots != 0) [[unlikely]] {                          \
            std::uint64_t* const zeroed = first + (called).parameter_slots;     \
            for (std::uint32_t i = 0; i < (called).zeroed_slots; ++i)           \
                zeroed[i] = 0;                                                  \
        }                                                                       \
    } while (false)
/// Calls a function of the same instance. Where it is hot, `called` is no variable of several
/// handlers: that one lives on the host's stack.
#define ENTER(called)            \
    do {                         \
        PUSH_FRAME(called);      \
        NEXT_AT((called).entry); \
    } while (false)

/// The top frame may become one of `callee`.
#define CHECK_STACK()                                                          \
    do {                                                                       \
        if (reinterpret_cast<std::uintptr_t>(slots) + callee->slot_bytes_max + \
                reinterpret_cast<std::uintptr_t>(frame) - sizeof(FrameState) > \
            thread.limit) [[unlikely]] {                                       \
            TRAP_WITH(Trap::stack_exhausted);                                  \
        }                                                                      \
    } while (false)

/// The frame of `callee`, tail-called at `pc`, in the place of the caller's.
#define REPLACE_FRAME()                                                                         \
    do {                                                                                        \
        CHECK_STACK();                                                                          \
        set_identity(*frame, callee->identity);                                                 \
        std::memmove(slots, slots + pc->op.a, callee->parameter_slots * sizeof(std::uint64_t)); \
        std::fill_n(slots + callee->parameter_slots, callee->zeroed_slots, 0);                  \
    } while (false)

/// From the top frame, whose results are its first slots.
#define RETURN()               \
    do {                       \
        --frame;               \
        pc = *--returns;       \
        slots -= pc[-2].op.a;  \
        goto * pc->op.handler; \
    } while (false)

// Labels as values are what the loop is made of.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

/// With `table_out`, only fills it with the addresses of the handlers.
Interruption run(Runtime* runtime_or_null, Thread* thread_or_null, HandlerTable* table_out) {
    if (table_out != nullptr) {
#define FORM(name, form) has_form(Opcode::name, Form::form) ? &&name##_##form : nullptr,
#define OPCODE(name, ...)              \
    FORM(name, slots)                  \
    FORM(name, constant)               \
    FORM(name, branch_if)              \
    FORM(name, branch_unless)          \
    FORM(name, branch_if_constant)     \
    FORM(name, branch_unless_constant) \
    FORM(name, absolute)               \
    FORM(name, indexed)                \
    FORM(name, displaced)              \
    FORM(name, scaled)                 \
    FORM(name, wide)                   \
    FORM(name, wide_far)               \
    FORM(name, wide_indexed)           \
    FORM(name, result)                 \
    FORM(name, constant_result)
        *table_out = HandlerTable{
#include "vm/wasm/opcodes.def"
#undef OPCODE
#undef FORM
#define HANDLER(name, words) &&name,
#include "vm/exec/handlers.def"
#undef HANDLER
#define PAIR(first, first_form, second, second_form) \
    &&first##_##first_form##_##second##_##second_form,
#include "vm/exec/pairs.def"
#undef PAIR
        };
        return {};
    }

    Runtime& runtime = *runtime_or_null;
    Thread& thread = *thread_or_null;
    Poll& poll = runtime.poll;
    const Word* pc = thread.pc;
    std::uint64_t* slots = thread.slots;
    FrameState* frame = thread.frame;
    const Word** returns = thread.returns;
    Instance* instance;
    LinearMemory* memory;
    std::byte* memory_base;
    std::uint64_t memory_bytes;
    LinkedFunction* callee;
    HostOutcome outcome;
    Trap trap = Trap::unreachable;
    std::optional<Trap> uncaught;
    SWITCH_TO(runtime.instances[frame->instance].get());
    NEXT(0);

    // Plain instructions, loads and stores.
#define PERFORM(name, form, words)                                                            \
    name##_##form                                                                             \
        : if (!perform<Opcode::name, Form::form>(pc, slots, memory_base, memory_bytes, trap)) \
              [[unlikely]] goto trapped;                                                      \
    NEXT(words);
#define BRANCH(name, form, words)                                      \
    name##_##form : if (branches<Opcode::name, Form::form>(pc, slots)) \
                        NEXT_AT(displaced(pc, pc->op.immediate));      \
    NEXT(words);
#define RESULT(name, form)                                         \
    name##_##form : give<Opcode::name, Form::form>(pc->op, slots); \
    RETURN();
#define OPCODE(name, ...)                   \
    PERFORM(name, slots, 1)                 \
    PERFORM(name, constant, 1)              \
    BRANCH(name, branch_if, 1)              \
    BRANCH(name, branch_unless, 1)          \
    BRANCH(name, branch_if_constant, 2)     \
    BRANCH(name, branch_unless_constant, 2) \
    PERFORM(name, absolute, 1)              \
    PERFORM(name, indexed, 1)               \
    PERFORM(name, displaced, 1)             \
    PERFORM(name, scaled, 1)                \
    PERFORM(name, wide, 1)                  \
    PERFORM(name, wide_far, 2)              \
    PERFORM(name, wide_indexed, 1)          \
    RESULT(name, result)                    \
    RESULT(name, constant_result)
#include "vm/wasm/opcodes.def"
#undef OPCODE
#define PAIR(first, first_form, second, second_form)                                               \
    first##_##first_form##_##second##_##second_form                                                \
        : perform_pair<Opcode::first, Form::first_form, Opcode::second, Form::second_form>(pc->op, \
                                                                                           slots); \
    NEXT(1);
#include "vm/exec/pairs.def"
#undef PAIR

move:
    slots[pc->op.a] = slots[pc->op.b];
    NEXT(1);
move_two:
    slots[pc->op.a] = slots[pc->op.b];
    slots[pc->op.c()] = slots[pc->op.d()];
    NEXT(1);
move_vector:
    write_slots(slots + pc->op.a, read_slots<V128>(slots + pc->op.b));
    NEXT(1);
move_slots:
    std::memmove(slots + pc->op.a, slots + pc->op.b, pc->op.immediate * sizeof(std::uint64_t));
    NEXT(1);
constant_32:
    slots[pc->op.a] = pc->op.immediate;
    NEXT(1);
constant_64:
    slots[pc->op.a] = pc[1].more.first;
    NEXT(2);
constant_vector:
    write_slots(slots + pc->op.a, V128{{pc[1].more.first, pc[1].more.second}});
    NEXT(2);
choose_slot:
    slots[pc->op.a] =
        slots[static_cast<std::uint32_t>(slots[pc->op.d()]) != 0 ? pc->op.b : pc->op.c()];
    NEXT(1);
choose_vector:
    write_slots(
        slots + pc->op.a,
        read_slots<V128>(
            slots + (static_cast<std::uint32_t>(slots[pc->op.d()]) != 0 ? pc->op.b : pc->op.c())));
    NEXT(1);
check_not_null:
    if (slots[pc->op.a] == kNullReference) TRAP_WITH(Trap::null_reference);
    NEXT(1);
global_read:
    slots[pc->op.a] = *pointer_from<std::uint64_t>(pc[1].more.first);
    NEXT(2);
global_write:
    *pointer_from<std::uint64_t>(pc[1].more.first) = slots[pc->op.a];
    NEXT(2);
global_read_vector:
    write_slots(slots + pc->op.a, read_slots<V128>(pointer_from<std::uint64_t>(pc[1].more.first)));
    NEXT(2);
global_write_vector:
    write_slots(pointer_from<std::uint64_t>(pc[1].more.first), read_slots<V128>(slots + pc->op.a));
    NEXT(2);

vector_operation:
    reinterpret_cast<VectorFunction>(pc[1].more.first)(pc->op, slots);
    NEXT(2);
shuffle_lanes:
    shuffle_lanes(pc, slots);
    NEXT(2);

branch:
    NEXT_AT(displaced(pc, pc->op.immediate));
branch_if_set:
    if (static_cast<std::uint32_t>(slots[pc->op.a]) != 0) {
        NEXT_AT(displaced(pc, pc->op.immediate));
    }
    NEXT(1);
branch_if_clear:
    if (static_cast<std::uint32_t>(slots[pc->op.a]) == 0) {
        NEXT_AT(displaced(pc, pc->op.immediate));
    }
    NEXT(1);
branch_by_table : {
    const std::uint32_t last = pc->op.immediate - 1;
    const std::uint32_t entry = std::min(static_cast<std::uint32_t>(slots[pc->op.a]), last);
    NEXT_AT(displaced(pc, pc[1 + entry].op.immediate));
}
branch_table_entry:
    INVARIANT(false, "the entries of a branch table are not run");
trap_unreachable:
    TRAP_WITH(Trap::unreachable);

enter_loop:
    POLL();
    NEXT(1);
count_loop:
    POLL();
    if (--const_cast<Word*>(pc)->op.immediate != 0) NEXT(1);
    if (!find_compiled_loop(runtime, *frame, pc)) NEXT(1);
    goto enter_compiled;
call_local : {
    POLL();
    const LinkedFunction& called = *pointer_from<LinkedFunction>(pc[1].more.first);
    ENTER(called);
}
call_foreign:
    POLL();
    callee = pointer_from<LinkedFunction>(pc[1].more.first);
enter_foreign_callee:
    PUSH_FRAME(*callee);
    *returns++ = stub(Handler::return_to_instance);
    SWITCH_TO(callee->instance);
    NEXT_AT(callee->entry);
call_host:
    POLL();
    callee = pointer_from<LinkedFunction>(pc[1].more.first);
call_host_function:
    outcome = call_host_function(runtime, *callee, *instance, slots + pc->op.a);
    if (outcome.kind != HostOutcome::Kind::done) goto host_call_not_done;
    NEXT(2);
call_through_table : {
    POLL();
    const LinkedFunction* const known = known_callee(pc, slots);
    if (known != nullptr && known->instance == instance) [[likely]]
        ENTER(*known);
    callee = indirect_callee(runtime, pc, slots, trap);
}
enter_any_callee:
    if (callee == nullptr) [[unlikely]]
        goto trapped;
    if (callee->instance == instance) ENTER(*callee);
    if (callee->instance == nullptr) goto call_host_function;
    goto enter_foreign_callee;
call_through_reference:
    POLL();
    callee = referenced_callee(runtime, pc, slots, trap);
    goto enter_any_callee;

tail_call_local:
    POLL();
    callee = pointer_from<LinkedFunction>(pc[1].more.first);
enter_tail_callee:
    REPLACE_FRAME();
    NEXT_AT(callee->entry);
tail_call_foreign:
    POLL();
    callee = pointer_from<LinkedFunction>(pc[1].more.first);
enter_foreign_tail_callee:
    REPLACE_FRAME();
    // The caller's instance comes back once, however many callees took each other's place.
    if (frame != thread.first_frame() && returns[-1] != stub(Handler::return_to_instance)) {
        *returns++ = stub(Handler::return_to_instance);
    }
    SWITCH_TO(callee->instance);
    NEXT_AT(callee->entry);
tail_call_through_table:
    POLL();
    callee = indirect_callee(runtime, pc, slots, trap);
enter_any_tail_callee:
    if (callee == nullptr) [[unlikely]]
        goto trapped;
    if (callee->instance == instance) [[likely]]
        goto enter_tail_callee;
    if (callee->instance != nullptr) goto enter_foreign_tail_callee;
    outcome = call_host_function(runtime, *callee, *instance, slots + pc->op.a);
    if (outcome.kind != HostOutcome::Kind::done) goto host_call_not_done;
    std::memmove(slots, slots + pc->op.a, callee->result_slots * sizeof(std::uint64_t));
    goto return_nothing;
tail_call_through_reference:
    POLL();
    callee = referenced_callee(runtime, pc, slots, trap);
    goto enter_any_tail_callee;

throw_tag:
    WRITE_BACK();
    uncaught =
        throw_new(runtime, thread, *pointer_from<ExceptionTag>(pc[1].more.first), slots + pc->op.a);
    goto thrown;
throw_exception:
    WRITE_BACK();
    uncaught = throw_again(runtime, thread, slots[pc->op.a]);
thrown:
    TRAP_IF_ANY(uncaught);
    slots = thread.slots;
    frame = thread.frame;
    returns = thread.returns;
    SWITCH_TO(runtime.instances[frame->instance].get());
    NEXT_AT(thread.pc);

return_slot : {
    const std::uint64_t result = slots[pc->op.a];
    slots[0] = result;
}
return_nothing:
    RETURN();
return_slots:
    std::memmove(slots, slots + pc->op.a, pc->op.immediate * sizeof(std::uint64_t));
    goto return_nothing;

translate_function:
    // The frame was made without knowing its size.
    callee = &runtime.function_of(*frame);
    if (!translate_once(runtime, *callee).ok()) TRAP_WITH(Trap::invalid_body);
    pc = callee->translation->entry();
    CHECK_STACK();
    std::fill_n(slots + callee->parameter_slots, callee->zeroed_slots, 0);
    NEXT_AT(callee->entry);
count_call:
    callee = &runtime.function_of(*frame);
    NEXT_AT(--callee->calls_left == 0 ? prepare_code(runtime, *callee)
                                      : callee->translation->entry());
enter_compiled:
    WRITE_BACK();
    return {Interruption::Kind::entering};
host_function_frame:
    callee = &runtime.function_of(*frame);
    outcome = call_host_function(runtime, *callee, *instance, slots);
    if (outcome.kind != HostOutcome::Kind::done) goto host_call_not_done;
    goto return_nothing;
return_to_instance:
    SWITCH_TO(runtime.instances[frame->instance].get());
    pc = *--returns;
    slots -= pc[-2].op.a;
    NEXT(0);

use_memory:
    USE_MEMORY(instance->memories[pc->op.immediate]);
    NEXT(1);
memory_pages:
    slots[pc->op.a] = pointer_from<LinearMemory>(pc[1].more.first)->pages();
    NEXT(2);
memory_extend:
    slots[pc->op.a] = grow(*pointer_from<LinearMemory>(pc[1].more.first), slots[pc->op.b]);
    memory_bytes = memory->region->size_bytes();
    NEXT(2);
memory_write_segment:
    TRAP_IF_ANY(write_segment(*instance, *pointer_from<LinearMemory>(pc[1].more.first),
                              pc->op.immediate, range_at(slots + pc->op.a)));
    NEXT(2);
memory_copy_bytes:
    TRAP_IF_ANY(copy_bytes(*pointer_from<LinearMemory>(pc[1].more.first),
                           *pointer_from<LinearMemory>(pc[1].more.second),
                           range_at(slots + pc->op.a)));
    NEXT(2);
memory_fill_bytes:
    TRAP_IF_ANY(
        fill_bytes(*pointer_from<LinearMemory>(pc[1].more.first), range_at(slots + pc->op.a)));
    NEXT(2);
drop_data:
    instance->dropped_data[pc->op.immediate] = true;
    NEXT(1);

table_read : {
    const Table& table = *pointer_from<Table>(pc[1].more.first);
    const std::uint64_t element = slots[pc->op.b];
    if (element >= table.size) TRAP_WITH(Trap::out_of_bounds_table);
    slots[pc->op.a] = table.elements()[element];
    NEXT(2);
}
table_write : {
    const Table& table = *pointer_from<Table>(pc[1].more.first);
    const std::uint64_t element = slots[pc->op.a];
    if (element >= table.size) TRAP_WITH(Trap::out_of_bounds_table);
    table.elements()[element] = slots[pc->op.b];
    NEXT(2);
}
table_elements:
    slots[pc->op.a] = pointer_from<Table>(pc[1].more.first)->size;
    NEXT(2);
table_extend:
    slots[pc->op.a] =
        grow(*pointer_from<Table>(pc[1].more.first), slots[pc->op.a + 1], slots[pc->op.a]);
    NEXT(2);
table_write_segment:
    TRAP_IF_ANY(write_segment(*instance, *pointer_from<Table>(pc[1].more.first), pc->op.immediate,
                              range_at(slots + pc->op.a)));
    NEXT(2);
table_copy_elements:
    TRAP_IF_ANY(copy_elements(*pointer_from<Table>(pc[1].more.first),
                              *pointer_from<Table>(pc[1].more.second), range_at(slots + pc->op.a)));
    NEXT(2);
table_fill_elements:
    TRAP_IF_ANY(fill_elements(*pointer_from<Table>(pc[1].more.first), range_at(slots + pc->op.a)));
    NEXT(2);
drop_elements:
    instance->dropped_elements[pc->op.immediate] = true;
    NEXT(1);

host_call_not_done:
    if (outcome.kind == HostOutcome::Kind::interrupted) goto paused;
    thread.frame = frame;
    thread.pc = pc;
    if (outcome.kind == HostOutcome::Kind::exited) {
        return {Interruption::Kind::exited, trap, outcome.exit_code};
    }
    trap = outcome.trap;
trapped:
    thread.frame = frame;
    thread.pc = pc;
    write_back_trap(runtime, thread);
    return {Interruption::Kind::trapped, trap};
paused:
    WRITE_BACK();
    write_back_position(runtime, thread);
    poll.paused();
    return {Interruption::Kind::paused};
return_to_compiled:
    return {Interruption::Kind::returned};
finish_thread:
    thread.frame = frame;
    return {Interruption::Kind::finished};
}

#pragma GCC diagnostic pop

}  // namespace

Interruption interpret(Runtime& runtime, Thread& thread) {
    EXPECTS(!thread.is_idle(), "only a thread that has frames can run");
    return run(&runtime, &thread, nullptr);
}

const HandlerTable& interpreter_handlers() {
    static const HandlerTable table = [] {
        HandlerTable filled;
        run(nullptr, nullptr, &filled);
        return filled;
    }();
    return table;
}

}  // namespace sojourn::vm
