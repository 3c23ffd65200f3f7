#include "process/internal/host_support.hpp"
#include "process/internal/obtain_leases.hpp"
#include "process/process.hpp"
#include "process/remote.hpp"
#include "process/runner.hpp"
#include "process/saved_leases.hpp"

namespace sojourn::process {

namespace {

Error running_error(const store::ProcessRecord& record, const std::string& what) {
    const std::string name = display_name(record);
    return fail(ErrorCode::busy,
                "process '{}' is running: {}; vm suspend {} stops it, vm resume --take-over {} "
                "kills a runner that does not answer",
                name, what, name, name);
}

/// The lock of a process that is not running, or `busy`.
Result<RunnerLock> take_lock(const store::Store& store, const store::ProcessRecord& record) {
    auto lock = RunnerLock::acquire(store.run_directory(), record.id);
    if (lock.ok() || lock.error().code != ErrorCode::busy) return lock;
    return running_error(record, lock.error().message);
}

Result<void> check_not_running(const store::Store& store, const store::ProcessRecord& record) {
    const auto pid = RunnerLock::holder(store.run_directory(), record.id);
    if (!pid) return {};
    return running_error(record, fmt::format("a runner with pid {} is alive", *pid));
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
                    "process '{}' has ended with exit code {}; vm log {} lists the checkpoints "
                    "that vm resume {}@ID goes back to",
                    name, record.exit_code, name, name);
    }
    return {};
}

Result<void> check_can_resume(const store::Family& family, const store::ProcessRecord& record,
                              std::optional<store::Version> checkpoint) {
    return checkpoint ? expect_in_history(family, record, *checkpoint) : check_can_continue(record);
}

Result<store::FencingToken> acquire(store::Family& family, const store::ProcessRecord& record,
                                    const ResumeOptions& options,
                                    std::optional<store::Version> checkpoint) {
    if (!options.token) return family.acquire(record.id, checkpoint);
    if (options.token->epoch == record.epoch) return *options.token;
    return fail(ErrorCode::busy, "process '{}' was resumed by somebody else", display_name(record));
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
    if (options.takes_over) TRY(kill_runner(seat.store->run_directory(), seat.record));
    seat.lock = TRY(take_lock(*seat.store, seat.record));

    // What was read before the lock was ours may have changed since.
    seat.family = TRY(seat.store->family(seat.record.family));
    seat.record = TRY(seat.family->process(seat.record.id));
    const auto checkpoint = TRY(checkpoint_of(*seat.store, seat.record, reference));
    TRY(check_can_resume(*seat.family, seat.record, checkpoint));
    store::ProcessRecord before = seat.record;
    if (options.token) before.state = store::ProcessState::suspended;
    const auto family = seat.family;
    auto runner = TRY(Runner::create(options.execution, host));
    seat.token = TRY(acquire(*family, seat.record, options, checkpoint));
    const store::FencingToken token = seat.token;

    auto restored = seat.open_files();
    if (restored.ok()) restored = runner->listen(seat);
    store::Store& store = *seat.store;
    const auto obtain = [&](leases::LeaseManager& leases, const FileMoment& moment) {
        return obtain_leases(leases, moment, options, store, before);
    };
    if (restored.ok()) restored = runner->restore(std::move(seat), obtain, options.environment);
    if (restored.ok()) return runner->run();
    TRY(step_back(*family, token, before));
    return restored.error();
}

Result<Examination> examine(const ResumeOptions& options, const HostProcess& host) {
    const auto store = TRY(store::Store::open(
        options.execution.store_location,
        {.create = false, .checkpoint_location = options.execution.checkpoint_location},
        host.random));
    Examination examination;
    examination.process = TRY(find(*store, options.process.process));
    const store::ProcessRecord& record = examination.process;
    if (!options.takes_over) TRY(check_not_running(*store, record));
    const auto family = TRY(store->family(record.family));
    const auto named = TRY(checkpoint_of(*store, record, options.process));
    TRY(check_can_resume(*family, record, named));

    const auto saved = TRY(SavedLeases::read(*family, named.value_or(record.head), host));
    TRY(examine_leases(saved->leases(), saved->files(), options, *store, examination));
    return examination;
}

}  // namespace sojourn::process
