#include "process/guest_checkpoints.hpp"

#include <utility>

namespace sojourn::process {

void GuestCheckpoints::sit_on(const Seat& seat) {
    is_kept_ = seat.lock.has_value();
    generation_ = seat.record.generation;
}

Result<void> GuestCheckpoints::request_checkpoint() {
    if (!is_kept_) {
        return fail(ErrorCode::unsupported, "nothing is kept of a process without a name");
    }
    {
        const std::lock_guard guard(mutex_);
        is_awaited_ = true;
        end_.reset();
    }
    Request request;
    request.requested_at_ns = clock_.monotonic_ns();
    request.guest_waits = true;
    request.answer = [this](const auto& published) { note_end(published); };
    inbox_.post(std::move(request));
    return {};
}

std::optional<Result<vm::Supervisor::CheckpointEnd>> GuestCheckpoints::take_checkpoint_end() {
    const std::lock_guard guard(mutex_);
    if (!is_awaited_) return CheckpointEnd::restored;
    if (end_) is_awaited_ = false;
    return std::exchange(end_, std::nullopt);
}

void GuestCheckpoints::note_end(const Result<store::CheckpointInfo>& published) {
    {
        const std::lock_guard guard(mutex_);
        if (published.ok()) {
            end_ = CheckpointEnd::durable;
        } else {
            end_ = published.error();
        }
    }
    // After the end is there: the guest's thread looks again once it has stopped.
    inbox_.stop_machine();
}

}  // namespace sojourn::process
