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

private:
    std::optional<Slot> begin_checkpoint();

    Dispatcher::State& state_;
};

}  // namespace sojourn::vm
