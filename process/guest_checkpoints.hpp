#pragma once

#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "process/inbox.hpp"
#include "process/seat.hpp"
#include "vm/supervisor.hpp"

namespace sojourn::process {

/// The checkpoints that the guest itself asks for: one at a time, since it waits for each. Lives
/// as long as the runner, so that a reincarnated guest goes on waiting; a guest that waits for one
/// which this runner was never asked for has been restored. Borrows the inbox and the clock.
class GuestCheckpoints final : public vm::Supervisor {
public:
    GuestCheckpoints(Inbox& inbox, const Clock& clock) : inbox_(inbox), clock_(clock) {}

    /// What it says of the process from now on.
    void sit_on(const Seat& seat);

    Result<void> request_checkpoint() override;
    std::optional<Result<CheckpointEnd>> take_checkpoint_end() override;
    std::uint64_t generation() const override { return generation_; }

private:
    void note_end(const Result<store::CheckpointInfo>& published);

    Inbox& inbox_;
    const Clock& clock_;
    bool is_kept_ = false;
    std::uint64_t generation_ = 0;

    std::mutex mutex_;  ///< guards what follows
    bool is_awaited_ = false;
    std::optional<Result<CheckpointEnd>> end_;
};

}  // namespace sojourn::process
