#pragma once

#include <memory>
#include <vector>

#include "vm/exec/exception_store.hpp"
#include "vm/exec/handler.hpp"
#include "vm/exec/instance.hpp"
#include "vm/exec/native_stack.hpp"
#include "vm/exec/poll.hpp"

namespace sojourn::vm {

/// Numbers the types of all modules of a machine, so that types that are the same have the same
/// number. The numbers stand for type indices in the types it keeps.
class TypeTable {
public:
    /// By the module's type index.
    std::vector<TypeId> add(const Module& module);

    [[nodiscard]] bool is_subtype(TypeId type, TypeId wanted) const {
        return vm::is_subtype(types_, index_of(type), index_of(wanted));
    }
    /// Whether what a function of `type` gives is what one of type `wanted` is called for.
    [[nodiscard]] bool results_fit(TypeId type, TypeId wanted) const;
    [[nodiscard]] bool fits(ValueType type, ValueType wanted) const {
        return vm::fits(types_, type, wanted);
    }

private:
    static std::uint32_t index_of(TypeId id) { return static_cast<std::uint32_t>(id); }

    std::vector<DefinedType> types_;
    TypeGroups groups_;
};

/// A value type of a module with the machine's numbers in place of type indices.
ValueType machine_type(ValueType type, const std::vector<TypeId>& type_ids);

class CompiledTier;

/// What the instances and threads of one machine share. Borrows the heap, the host calls and the
/// tier.
struct Runtime {
    heap::Heap& heap;
    HostCalls& host;
    CompiledTier* tier = nullptr;  ///< nullptr: everything is interpreted
    TypeTable types;
    Poll poll;
    MemoryBudget memory_budget;
    std::uint64_t host_calls = 0;  ///< completed ones
    std::vector<std::unique_ptr<Instance>> instances;
    ExceptionStore exceptions;
    const ExceptionTag* uncaught = nullptr;   ///< of the last exception that nothing caught
    std::vector<std::uint64_t> host_results;  ///< of the host call at hand: reused
    NativeStack native_stack{};

    /// Requires: the frame's indices are in range.
    [[nodiscard]] LinkedFunction& function_of(const FrameState& frame) const {
        return *instances[frame.instance]->functions[frame.function_index];
    }

    /// What a reference calls; nullptr when it names no function. Requires: not null.
    [[nodiscard]] LinkedFunction* function(Reference reference) const {
        const std::uint32_t instance = instance_of(reference);
        if (instance >= instances.size()) return nullptr;
        const auto& functions = instances[instance]->functions;
        const std::uint32_t index = function_index_of(reference);
        return index < functions.size() ? functions[index] : nullptr;
    }
};

/// Translates `function` unless that has happened. Errors: those of a body that is validated only
/// now. Requires: it is an instance's own.
Result<void> translate_once(Runtime& runtime, LinkedFunction& function);

}  // namespace sojourn::vm
