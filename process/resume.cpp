#include <algorithm>

#include "process/internal/host_support.hpp"
#include "process/process.hpp"
#include "process/runner.hpp"

namespace sojourn::process {

namespace {

/// The lock of a process that is not running, or `busy`.
Result<RunnerLock> take_lock(const store::Store& store, const store::ProcessRecord& record) {
    auto lock = RunnerLock::acquire(store.run_directory(), record.id);
    if (lock.ok() || lock.error().code != ErrorCode::busy) return lock;
    const std::string name = display_name(record);
    return fail(ErrorCode::busy, "process '{}' is running: {}; vm suspend {} stops it", name,
                lock.error().message, name);
}

Result<void> check_can_continue(const store::ProcessRecord& record) {
    const std::string name = display_name(record);
    if (record.head == store::kNoVersion) {
        return fail(ErrorCode::not_found,
                    "process '{}' ended without a checkpoint, so there is nothing to resume; start "
                    "it again: vm run --name {} --replace …",
                    name, name);
    }
    if (record.state == store::ProcessState::exited) {
        return fail(ErrorCode::invalid_argument,
                    "process '{}' has ended with exit code {}; vm resume {} goes back to its "
                    "checkpoint",
                    name, record.exit_code, display_name(record, record.head));
    }
    return {};
}

Result<void> check_checkpoint(const store::Family& family, const store::ProcessRecord& record,
                              store::Version checkpoint) {
    const auto all = TRY(family.checkpoints(record.id));
    const bool is_there = std::any_of(all.begin(), all.end(),
                                      [&](const auto& info) { return info.id == checkpoint; });
    if (is_there) return {};
    return fail(ErrorCode::not_found, "no checkpoint {}; vm log {} lists those there are",
                display_name(record, checkpoint), display_name(record));
}

/// Nobody has run: the process goes back to where it was, off the branch that was opened for it.
Result<void> step_back(store::Family& family, store::FencingToken token,
                       const store::ProcessRecord& before) {
    const auto now = TRY(family.process(before.id));
    if (now.head != before.head) token = TRY(family.acquire(before.id, before.head));
    return family.set_state(token, before.state, before.exit_code);
}

}  // namespace

Result<Outcome> resume(const ResumeOptions& options, const HostProcess& host) {
    const Reference& reference = options.process;
    TRY(check_host_supports(options.execution));
    Seat seat;
    seat.location = options.execution.store_location;
    seat.open_options = {.create = false,
                         .checkpoint_location = options.execution.checkpoint_location};
    seat.store = TRY(store::Store::open(seat.location, seat.open_options, host.random));
    seat.record = TRY(find(*seat.store, reference.process));
    seat.lock = TRY(take_lock(*seat.store, seat.record));

    // What was read before the lock was ours may have changed since.
    seat.family = TRY(seat.store->family(seat.record.family));
    seat.record = TRY(seat.family->process(seat.record.id));
    if (reference.checkpoint) {
        TRY(check_checkpoint(*seat.family, seat.record, *reference.checkpoint));
    } else {
        TRY(check_can_continue(seat.record));
    }
    const store::ProcessRecord before = seat.record;
    const auto family = seat.family;
    auto runner = TRY(Runner::create(options.execution, host));
    seat.token = TRY(family->acquire(seat.record.id, reference.checkpoint));
    const store::FencingToken token = seat.token;

    auto restored = runner->listen(seat);
    if (restored.ok()) restored = runner->restore(std::move(seat));
    if (restored.ok()) return runner->run();
    TRY(step_back(*family, token, before));
    return restored.error();
}

}  // namespace sojourn::process
