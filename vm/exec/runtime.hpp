#pragma once

#include <map>
#include <memory>
#include <vector>

#include "vm/exec/handler.hpp"
#include "vm/exec/instance.hpp"
#include "vm/exec/poll.hpp"

namespace sojourn::vm {

/// Numbers function types so that equal ones, from whichever module, have equal numbers.
class TypeTable {
public:
    TypeId id_of(const FunctionType& type);
    /// Requires: id_of() has given it.
    [[nodiscard]] const FunctionType& type_of(TypeId id) const {
        return *types_[static_cast<std::size_t>(id)];
    }

private:
    struct Less {
        bool operator()(const FunctionType& left, const FunctionType& right) const;
    };
    std::map<FunctionType, TypeId, Less> ids_;
    std::vector<const FunctionType*> types_;  ///< keys of ids_
};

/// What the instances and threads of one machine share. Borrows the heap and the host calls.
struct Runtime {
    heap::Heap& heap;
    HostCalls& host;
    TypeTable types;
    Poll poll;
    MemoryBudget memory_budget;
    std::uint64_t host_calls = 0;  ///< completed ones
    std::vector<std::unique_ptr<Instance>> instances;
    std::vector<std::uint64_t> host_results;  ///< of the host call at hand: reused

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

/// Translates `function` unless that has happened. Requires: it is an instance's own.
void translate_once(Runtime& runtime, LinkedFunction& function);

}  // namespace sojourn::vm
