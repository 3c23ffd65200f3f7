#pragma once

#include "vm/exec/runtime.hpp"
#include "vm/exec/word.hpp"

/// What a call whose callee is only known when it runs calls. On the interpreter's fastest path.
namespace sojourn::vm {

template <typename T>
T* pointer_from(std::uint64_t bits) {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(bits));
}

/// What a call of a table's element as a function of `type` calls; nullptr when it traps, and
/// `trap` says how.
[[gnu::always_inline]] inline LinkedFunction* element_callee(const Runtime& runtime,
                                                             const Table& table,
                                                             std::uint64_t element, TypeId type,
                                                             Trap& trap) {
    trap = Trap::undefined_element;
    if (element >= table.size) [[unlikely]]
        return nullptr;
    const Reference reference = table.elements()[element];
    if (reference == kNullReference) [[unlikely]] {
        trap = Trap::uninitialized_element;
        return nullptr;
    }
    LinkedFunction* const callee = runtime.function(reference);
    if (callee == nullptr) [[unlikely]]
        return nullptr;
    if (callee->type == type) [[likely]]
        return callee;
    if (runtime.types.is_subtype(callee->type, type)) return callee;
    trap = Trap::indirect_type_mismatch;
    return nullptr;
}

/// The same of a call of a reference. One of another type can only come from a checkpoint.
[[gnu::always_inline]] inline LinkedFunction* referenced_callee(const Runtime& runtime,
                                                                Reference reference, TypeId type,
                                                                Trap& trap) {
    if (reference == kNullReference) [[unlikely]] {
        trap = Trap::null_function_reference;
        return nullptr;
    }
    LinkedFunction* const callee = runtime.function(reference);
    trap = callee == nullptr ? Trap::undefined_element : Trap::indirect_type_mismatch;
    const bool fits = callee != nullptr && runtime.types.is_subtype(callee->type, type);
    return fits ? callee : nullptr;
}

/// What the indirect call at `pc` calls.
[[gnu::always_inline]] inline LinkedFunction* indirect_callee(const Runtime& runtime,
                                                              const Word* pc,
                                                              const std::uint64_t* slots,
                                                              Trap& trap) {
    const Table& table = *pointer_from<Table>(pc[1].more.first);
    return element_callee(runtime, table, slots[pc->op.b], TypeId{pc->op.immediate}, trap);
}

/// What the call of a reference at `pc` calls.
[[gnu::always_inline]] inline LinkedFunction* referenced_callee(const Runtime& runtime,
                                                                const Word* pc,
                                                                const std::uint64_t* slots,
                                                                Trap& trap) {
    return referenced_callee(runtime, slots[pc->op.b], TypeId{pc->op.immediate}, trap);
}

}  // namespace sojourn::vm
