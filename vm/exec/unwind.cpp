#include "vm/exec/unwind.hpp"

#include <cstring>

#include "vm/exec/compiled_code.hpp"
#include "vm/exec/interpreter.hpp"

namespace sojourn::vm {

namespace {

/// A frame on the way down, as the thread would stand in it.
struct Place {
    FrameState* frame;
    std::uint64_t* slots;
    const Word** returns;
};

struct Landing {
    Place place;
    const Translation* translation;
    const CatchClause* clause;
};

/// Of all frames that one exception passes: seconds at most. Nothing interrupts the search.
constexpr std::uint64_t kCatchStepsMax = std::uint64_t{1} << 31U;

/// Requires: the frame has one below it.
void step_down(Place& place) {
    const Word* caller = *--place.returns;
    if (caller == stub(Handler::return_to_instance)) caller = *--place.returns;
    place.slots -= caller[-2].op.a;
    --place.frame;
}

Outcome<Landing> find_landing(Runtime& runtime, const Thread& thread, const ExceptionTag& tag) {
    if (thread.pc != nullptr) write_back_trap(runtime, thread);
    Place place{thread.frame, thread.slots, thread.returns};
    for (std::uint64_t steps = 0;;) {
        const Translation& translation = *runtime.function_of(*place.frame).translation;
        steps += 1 + translation.catch_steps_max();
        if (steps > kCatchStepsMax) return Trap::handlers_exhausted;
        if (const auto* clause = translation.find_catch(place.frame->code_offset, tag)) {
            return Landing{place, &translation, clause};
        }
        if (place.frame == thread.first_frame()) {
            runtime.uncaught = &tag;
            return Trap::uncaught_exception;
        }
        step_down(place);
    }
}

bool refers_to_exceptions(ValueType type) {
    if (!is_reference(type)) return false;
    return heap_of(type) == HeapType::exn || heap_of(type) == HeapType::noexn;
}

/// Everything that may hold a reference to an exception: the thread's slots, tables, globals.
void collect_exceptions(Runtime& runtime, const Thread& thread) {
    std::vector<std::span<const std::uint64_t>> roots;
    const LinkedFunction& top = runtime.function_of(*thread.frame);
    const std::uint64_t* const end = thread.slots + top.slot_bytes_max / sizeof(std::uint64_t);
    roots.emplace_back(thread.first_slot(), end);
    for (const auto& instance : runtime.instances) {
        for (const auto& table : instance->own_tables) {
            if (!refers_to_exceptions(table->type.element)) continue;
            roots.emplace_back(table->elements(), table->size);
        }
        const auto& globals = instance->module->globals;
        for (std::size_t i = instance->module->imported_globals; i < globals.size(); ++i) {
            if (!refers_to_exceptions(globals[i].type.type)) continue;
            roots.emplace_back(instance->globals[i], 1);
        }
    }
    runtime.exceptions.collect(roots);
}

/// What `values` hold lies in the thread's slots: a collection finds it there.
std::optional<Reference> make_exception(Runtime& runtime, const Thread& thread,
                                        const ExceptionTag& tag, const std::uint64_t* values) {
    ExceptionStore& exceptions = runtime.exceptions;
    if (exceptions.is_crowded() || !exceptions.has_room_for(tag)) {
        collect_exceptions(runtime, thread);
    }
    if (!exceptions.has_room_for(tag)) return std::nullopt;
    return exceptions.make(tag, {values, tag.slot_count});
}

void land(Thread& thread, const Landing& landing, const ExceptionTag& tag,
          const std::uint64_t* values, Reference reference) {
    const auto& [place, translation, clause] = landing;
    if (clause->tag != nullptr) {
        std::memmove(place.slots + clause->first_slot, values,
                     tag.slot_count * sizeof(std::uint64_t));
    }
    if (clause->reference_slot) place.slots[*clause->reference_slot] = reference;
    thread.frame = place.frame;
    thread.slots = place.slots;
    thread.returns = place.returns;
    thread.pc = translation->at(*clause);
}

}  // namespace

std::optional<Trap> throw_new(Runtime& runtime, Thread& thread, const ExceptionTag& tag,
                              const std::uint64_t* values) {
    if (runtime.native_stack.depth > 0) leave_compiled_code(runtime, thread);
    const auto landing = find_landing(runtime, thread, tag);
    if (!landing.ok()) return landing.trap();
    Reference reference = kNullReference;
    if (landing.value().clause->reference_slot) {
        const auto made = make_exception(runtime, thread, tag, values);
        if (!made) return Trap::exceptions_exhausted;
        reference = *made;
    }
    land(thread, landing.value(), tag, values, reference);
    return std::nullopt;
}

std::optional<Trap> throw_again(Runtime& runtime, Thread& thread, Reference reference) {
    if (runtime.native_stack.depth > 0) leave_compiled_code(runtime, thread);
    const Exception* const exception = runtime.exceptions.find(reference);
    if (exception == nullptr) return Trap::null_exception_reference;
    const auto landing = find_landing(runtime, thread, *exception->tag);
    if (!landing.ok()) return landing.trap();
    land(thread, landing.value(), *exception->tag, exception->values.data(), reference);
    return std::nullopt;
}

}  // namespace sojourn::vm
