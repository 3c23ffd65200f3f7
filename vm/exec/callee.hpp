#pragma once

#include "vm/exec/runtime.hpp"
#include "vm/exec/word.hpp"

/// What a call whose callee is only known when it runs calls. On the interpreter's fastest path.
namespace sojourn::vm {

template <typename T>
T* pointer_from(std::uint64_t bits) {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(bits));
}

struct FoundCallee {
    LinkedFunction* function;  ///< nullptr: the call traps
    Trap trap;
};

/// What a call of a table's element as a function of `type` calls; the table keeps it in mind.
FoundCallee find_element_callee(const Runtime& runtime, Table& table, std::uint64_t element,
                                TypeId type);

/// The same, as far as the table has kept it; else nullptr.
[[gnu::always_inline]] inline LinkedFunction* known_element_callee(const Table& table,
                                                                   std::uint64_t element,
                                                                   TypeId type) {
    if (element >= table.known_callees.size()) return nullptr;
    LinkedFunction* const function = table.known_callees[element];
    if (function == nullptr || function->reference() != table.elements()[element]) return nullptr;
    return function->type == type ? function : nullptr;
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

/// What the indirect call at `pc` calls, as known_element_callee().
[[gnu::always_inline]] inline LinkedFunction* known_callee(const Word* pc,
                                                           const std::uint64_t* slots) {
    const Table& table = *pointer_from<Table>(pc[1].more.first);
    return known_element_callee(table, slots[pc->op.b], TypeId{pc->op.immediate});
}

/// What the indirect call at `pc` calls.
[[gnu::always_inline]] inline LinkedFunction* indirect_callee(const Runtime& runtime,
                                                              const Word* pc,
                                                              const std::uint64_t* slots,
                                                              Trap& trap) {
    Table& table = *pointer_from<Table>(pc[1].more.first);
    const auto [function, kind] =
        find_element_callee(runtime, table, slots[pc->op.b], TypeId{pc->op.immediate});
    trap = kind;
    return function;
}

/// What the call of a reference at `pc` calls.
[[gnu::always_inline]] inline LinkedFunction* referenced_callee(const Runtime& runtime,
                                                                const Word* pc,
                                                                const std::uint64_t* slots,
                                                                Trap& trap) {
    return referenced_callee(runtime, slots[pc->op.b], TypeId{pc->op.immediate}, trap);
}

}  // namespace sojourn::vm
