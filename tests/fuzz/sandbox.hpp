#pragma once

#include "vm/machine.hpp"

/// What a hostile guest may do here before it is stopped: enough to go wrong, and not to hang.
namespace sojourn::fuzz {

inline constexpr std::uint64_t kSafepointsMax = 500;

/// Whether a guest that has `module` can neither grow nor copy for long.
inline bool is_small(const vm::Module& module) {
    constexpr std::uint64_t kPagesMax = 32;
    constexpr std::uint64_t kElementsMax = 4096;
    for (const vm::MemoryType& memory : module.memories) {
        if (memory.pages_max() > kPagesMax) return false;
    }
    for (const vm::TableType& table : module.tables) {
        if (table.limits.max.value_or(UINT64_MAX) > kElementsMax) return false;
    }
    return true;
}

/// Lets the call that is under way run for a while.
inline void run_for_a_while(vm::Machine& machine) {
    machine.pause_every(kSafepointsMax);
    static_cast<void>(machine.run());
}

/// A world in which every function there is gives zeros.
class Nowhere final : public vm::HostCalls {
public:
    std::optional<vm::HostFunctionId> find(std::string_view, std::string_view,
                                           const vm::FunctionType&, vm::ValueType) const override {
        return vm::HostFunctionId{0};
    }
    vm::HostOutcome call(const vm::HostCall& call) override {
        std::ranges::fill(call.results, 0);
        return {};
    }
};

}  // namespace sojourn::fuzz
