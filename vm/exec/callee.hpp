#pragma once

#include "vm/exec/runtime.hpp"
#include "vm/exec/word.hpp"

/// What a call whose callee is only known when it runs calls. On the interpreter's fastest path.
namespace sojourn::vm {

template <typename T>
T* pointer_from(std::uint64_t bits) {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(bits));
}

/// What an indirect call at `pc` calls; nullptr when it traps, and `trap` says how.
[[gnu::always_inline]] inline LinkedFunction* indirect_callee(const Runtime& runtime,
                                                              const Word* pc,
                                                              const std::uint64_t* slots,
                                                              Trap& trap) {
    const Table& table = *pointer_from<Table>(pc[1].more.first);
    const std::uint64_t element = slots[pc->op.b];
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
    if (static_cast<std::uint32_t>(callee->type) == pc->op.immediate) [[likely]]
        return callee;
    if (runtime.types.is_subtype(callee->type, TypeId{pc->op.immediate})) return callee;
    trap = Trap::indirect_type_mismatch;
    return nullptr;
}

/// The same of a call of a reference. One of another type can only come from a checkpoint.
[[gnu::always_inline]] inline LinkedFunction* referenced_callee(const Runtime& runtime,
                                                                const Word* pc,
                                                                const std::uint64_t* slots,
                                                                Trap& trap) {
    const Reference reference = slots[pc->op.b];
    if (reference == kNullReference) [[unlikely]] {
        trap = Trap::null_function_reference;
        return nullptr;
    }
    LinkedFunction* const callee = runtime.function(reference);
    trap = callee == nullptr ? Trap::undefined_element : Trap::indirect_type_mismatch;
    const bool fits =
        callee != nullptr && runtime.types.is_subtype(callee->type, TypeId{pc->op.immediate});
    return fits ? callee : nullptr;
}

}  // namespace sojourn::vm
