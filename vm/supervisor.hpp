#pragma once

#include <cstdint>
#include <optional>

#include "base/result.hpp"

namespace sojourn::vm {

/// Whoever runs a machine, as its guest may speak to him (import module `sojourn`,
/// docs/guest-interface.md). Called on the guest's thread.
class Supervisor {
public:
    virtual ~Supervisor() = default;

    /// Asks for a checkpoint and raises the interrupt, so that the guest's thread stands still in
    /// the call that asks. Errors: unsupported when nothing of the process is kept.
    virtual Result<void> request_checkpoint() = 0;

    enum class CheckpointEnd : std::uint8_t {
        durable,   ///< it is stored, and this is the run that asked for it
        restored,  ///< this is a run that began from what was stored while the call waited
    };
    /// How the checkpoint that the guest waits for ended, told once; nullopt while it is under way.
    /// When that changes the interrupt is raised.
    virtual std::optional<Result<CheckpointEnd>> take_checkpoint_end() = 0;

    /// How many times the process was copied since the program was started.
    virtual std::uint64_t generation() const = 0;
};

}  // namespace sojourn::vm
