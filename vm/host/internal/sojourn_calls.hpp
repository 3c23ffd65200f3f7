#pragma once

#include "vm/host/internal/state.hpp"

namespace sojourn::vm {

/// The functions of the import module `sojourn`, during one call. nullopt says that nothing has
/// happened, the interrupt is raised and the call is to be made again.
class SojournCalls {
public:
    explicit SojournCalls(Dispatcher::State& state) : state_(state) {}

    /// The result as a slot.
    using Slot = std::uint64_t;

    std::optional<Slot> checkpoint();
    std::optional<Slot> generation();

    std::optional<Slot> terminal_size(std::uint32_t descriptor);
    std::optional<Slot> terminal_mode(std::uint32_t descriptor);
    std::optional<Slot> set_terminal_mode(std::uint32_t descriptor, std::uint32_t mode);

private:
    std::optional<Slot> begin_checkpoint();
    /// What the descriptor leads to. Errors: badf, notcapable, notty.
    leases::Answer<leases::Terminal*> terminal(std::uint32_t descriptor, std::uint64_t rights);

    Dispatcher::State& state_;
};

}  // namespace sojourn::vm
