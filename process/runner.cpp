#include "process/runner.hpp"

#include <algorithm>
#include <csignal>
#include <unistd.h>

#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "process/file_moments.hpp"
#include "process/internal/code_cache.hpp"
#include "process/internal/grants.hpp"
#include "process/internal/host_support.hpp"

namespace sojourn::process {

namespace {

/// Copying less than this takes less than a millisecond.
constexpr std::uint64_t kPrecopiedBytesMin = std::uint64_t{4} << 20U;

/// How long old checkpoints are removed before the next one may be published; and how many go at
/// any rate: more than one for each that comes, so that none are left in the end.
constexpr std::uint64_t kRemovingNsMax = 100'000'000;
constexpr std::size_t kRemovedAtLeast = 2;

/// Where a shell can't tell more than a byte.
std::int32_t shell_exit_code(std::int32_t code) {
    return code & 0xff;
}

}  // namespace

Runner::Runner(const Execution& execution, const HostProcess& host,
               std::unique_ptr<leases::Interrupt> interrupt)
    : execution_(execution),
      host_(host),
      interrupt_(std::move(interrupt)),
      lease_host_{.clock = host.clock,
                  .random = host.random,
                  .interrupt = *interrupt_,
                  .descriptors_max = guest_descriptors_max()},
      inbox_(*interrupt_),
      guest_checkpoints_(inbox_, host.clock),
      surroundings_{host.clock, lease_host_, guest_checkpoints_},
      publisher_([this] { inbox_.wake(); }) {}

Result<std::unique_ptr<Runner>> Runner::create(const Execution& execution,
                                               const HostProcess& host) {
    // A guest that writes to a pipe without a reader gets an errno; it is not for us to die of it.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // nor of one that writes beyond what the host allows
    auto interrupt = TRY(leases::Interrupt::create());
    std::unique_ptr<Runner> runner(new Runner(execution, host, std::move(interrupt)));
    TRY(runner->take_terminal());
    runner->tier_ =
        TRY(vm::open_tier(execution.engine, {.threads = execution.jit_threads}, execution.compiler,
                          open_code_cache(execution.store_location, execution.code_cache, host)));
    if (runner->tier_ && execution.names_code) runner->tier_->tell_names();
    runner->surroundings_.tier = runner->tier_.get();
    return runner;
}

Runner::~Runner() {
    dirty_gauge_.detach();
    if (tier_) tier_->stop();
    if (tier_ && host_.tier_left) host_.tier_left(std::move(tier_));
}

Result<void> Runner::take_terminal() {
    if (execution_.is_detached) {
        console_ = TRY(leases::Console::create());
        lease_host_.console = console_.get();
        lease_host_.terminal = console_.get();
    } else {
        own_terminal_ = leases::OwnTerminal::find(lease_host_.streams);
        lease_host_.terminal = own_terminal_.get();
    }
    return {};
}

Result<void> Runner::listen(const Seat& seat) {
    EXPECTS(seat.lock.has_value(), "only the owner of the lock answers for a process");
    signals_ = TRY(SignalWatch::start({SIGTERM, SIGHUP, SIGTSTP}, [this](int) {
        Request request;
        request.kind = Request::Kind::suspend;
        request.requested_at_ns = host_.clock.monotonic_ns();
        request.ends_runner = true;
        request.answer = [](const Result<store::CheckpointInfo>&) {};
        inbox_.post(std::move(request));
    }));
    const RunnerStatus status{seat.record.id.hex(), seat.record.name, ::getpid(), seat.token.epoch};
    const RunnerGauges gauges{
        .memory =
            [this] {
                return MemoryUse{dirty_gauge_.dirty_bytes(), dirty_gauge_.resident_bytes(),
                                 execution_.cache_bytes};
            },
        .code =
            [this] {
                CodeUse code{.engine = execution_.engine};
                if (!tier_) return code;
                code.functions = tier_->counts();
                code.states = tier_->states();
                return code;
            },
    };
    control_ = TRY(ControlServer::start(seat.store->run_directory(), seat.record.id, status, inbox_,
                                        console_.get(), host_.clock, gauges));
    return {};
}

void Runner::sit_on(Seat seat) {
    seat_ = std::move(seat);
    lease_host_.files = seat_.files.get();
    guest_checkpoints_.sit_on(seat_);
}

Result<void> Runner::begin(Seat seat, std::shared_ptr<const vm::Module> program,
                           const vm::Launch& launch, const vm::MachineOptions& machine) {
    sit_on(std::move(seat));
    auto life = TRY(Incarnation::create(seat_.family, seat_.token, launch, surroundings_,
                                        {heap_options(), machine, execution_.lease_terms}));
    if (seat_.lock) TRY(keep_grants(life->leases(), *seat_.store, seat_.record));
    stats_.begin(*life);
    trap_at_start_ = TRY(begin_program(*life, std::move(program)));
    return adopt(std::move(life));
}

Result<void> Runner::restore(Seat seat, const ObtainLeases& obtain_leases,
                             const std::vector<std::string>& environment) {
    sit_on(std::move(seat));
    auto life = TRY(Incarnation::restore(*seat_.store, seat_.family, seat_.token, surroundings_,
                                         heap_options(), obtain_leases));
    life->dispatcher().change_environment(environment);
    stats_.begin(*life);
    TRY(adopt(std::move(life)));
    const auto oldest = oldest_file_moment(*seat_.family, seat_.record.id);
    if (oldest.ok() && *oldest) files_needed_from_ = plain(**oldest);
    drop_old_file_history();
    return {};
}

Result<Outcome> Runner::run() {
    if (execution_.checkpoint_rhythm.is_given()) {
        periodic_checkpoints_ = TRY(PeriodicCheckpoints::start(
            execution_.checkpoint_rhythm, inbox_, host_.clock,
            [this] { return dirty_gauge_.dirty_bytes(); }, host_.report));
    }
    if (execution_.timeout_ns) begin_time_limit(*execution_.timeout_ns);
    if (host_.started) host_.started(seat_.record, detached_files(*seat_.store, seat_.record));
    auto outcome = run_until_end();
    time_limit_.reset();
    if (periodic_checkpoints_) periodic_checkpoints_->stop();
    publisher_.wait();
    inbox_.close(fail(ErrorCode::not_found, "process '{}' has ended", display_name(seat_.record)));
    if (!outcome.ok()) return outcome;
    stats_.end(*life_);
    if (tier_) {
        stats_.functions = tier_->counts();
        stats_.compile_ns = tier_->compile_ns();
    }
    if (!execution_.stats_file.empty()) TRY(stats_.write(execution_.stats_file));
    outcome->lock = std::move(seat_.lock);
    return outcome;
}

void Runner::begin_time_limit(std::uint64_t timeout_ns) {
    time_limit_ = std::make_unique<TimeLimit>(timeout_ns, [this] {
        Request request;
        // Nothing of an unnamed process would be left to resume.
        request.kind = seat_.lock ? Request::Kind::suspend : Request::Kind::stop;
        request.requested_at_ns = host_.clock.monotonic_ns();
        request.ends_runner = true;
        request.is_out_of_time = true;
        request.answer = [](const Result<store::CheckpointInfo>&) {};
        inbox_.post(std::move(request));
    });
}

void Runner::forget_process() {
    inbox_.close(fail(ErrorCode::not_found, "process '{}' could not be started",
                      display_name(seat_.record)));
    control_.reset();
    life_.reset();
    seat_.files.reset();
    seat_.family.reset();
    const auto removed = seat_.store->remove_process(seat_.record.id);
    if (removed.ok() && seat_.lock) seat_.lock->remove();
}

heap::HeapOptions Runner::heap_options() const {
    return {.mechanism = execution_.heap_mechanism,
            .unit_bytes = seat_.store->unit_bytes(),
            .cache_bytes = execution_.cache_bytes,
            .scratch_directory = seat_.store->scratch_directory(),
            .prefetch = execution_.prefetch && execution_.reincarnate_every == 0};
}

Runner::Progress Runner::progress() const {
    return {life_->machine().stats().safepoints, life_->dispatcher().completed_host_calls()};
}

Result<void> Runner::adopt(std::unique_ptr<Incarnation> life) {
    life_ = std::move(life);
    life_->machine().pause_every(std::max(
        {execution_.reincarnate_every, execution_.expire_every, execution_.suspend_after}));
    if (suspend_at_ == 0) suspend_at_ = progress().safepoints + execution_.suspend_after;
    life_->leases().observe([this](const leases::Lease& lease) {
        if (lease.state == leases::LeaseState::expired) ++stats_.expiries;
    });
    inbox_.attach(life_->machine());
    dirty_gauge_.attach(life_->heap());
    return life_->leases().renew_in_background([this] { inbox_.stop_machine(); });
}

Result<Outcome> Runner::run_until_end() {
    if (trap_at_start_) return conclude(vm::Trapped{*trap_at_start_, {}});
    if (life_->stage() == Stage::ended) return end_again();
    for (;;) {
        const vm::Stop stop = life_->machine().run();
        if (std::holds_alternative<vm::Paused>(stop)) {
            auto end = TRY(serve_at_safepoint());
            if (end) return std::move(*end);
        } else if (!std::holds_alternative<vm::Finished>(stop) || !begin_next_call(*life_)) {
            return conclude(stop);
        }
    }
}

Result<std::optional<Outcome>> Runner::serve_at_safepoint() {
    const std::uint64_t paused_at_ns = host_.clock.monotonic_ns();
    inbox_.acknowledge_pause();
    life_->leases().expire_overdue();
    {
        const std::lock_guard guard(fenced_mutex_);
        if (fenced_because_) return *fenced_because_;
    }
    // While one checkpoint is written, the next waits; the publisher stops the machine for it.
    while (auto request = inbox_.take(/*ends_only=*/!publisher_.is_idle())) {
        switch (request->kind) {
            case Request::Kind::checkpoint:
                checkpoint_at_safepoint(std::move(*request), paused_at_ns);
                break;
            case Request::Kind::suspend: {
                auto end = TRY(suspend_at_safepoint(*request));
                if (end) return end;
                break;
            }
            case Request::Kind::stop:
                return std::optional(stopped_at_safepoint(*request));
            case Request::Kind::leases:
                request->with_leases(life_->leases());
                break;
        }
    }
    if (execution_.suspend_after != 0 && progress().safepoints >= suspend_at_) {
        Request request;
        request.kind = Request::Kind::suspend;
        request.requested_at_ns = paused_at_ns;
        request.ends_runner = true;
        request.answer = [](const Result<store::CheckpointInfo>&) {};
        return suspend_at_safepoint(request);
    }
    if (execution_.expire_every != 0) {
        // What can't be written down is lost, and the guest is told so.
        [[maybe_unused]] const auto expired = life_->leases().expire_all();
    }
    if (execution_.reincarnate_every != 0) TRY(reincarnate_at_safepoint(paused_at_ns));
    return std::optional<Outcome>();
}

void Runner::checkpoint_at_safepoint(Request request, std::uint64_t paused_at_ns) {
    const Progress here = progress();
    if (request.only_if_changed && published_at_ == here) {
        return request.answer(store::CheckpointInfo{});
    }
    if (pays_to_precopy(request)) return precopy(std::move(request));
    auto moment = life_->capture();
    if (!moment.ok()) return request.answer(moment.error());
    if (request.captured) request.captured();
    drop_old_file_history();
    const heap::CommitOptions options{
        .message = request.message,
        .state_after = store::ProcessState::running,
        .requested_at_ns = request.requested_at_ns,
        .pause_us = (host_.clock.monotonic_ns() - paused_at_ns) / 1000,
    };
    publisher_.publish(*life_, std::move(*moment), options,
                       [this, here, request = std::move(request)](const auto& published) {
                           if (published.ok()) published_at_ = here;
                           finish_checkpoint(request, published);
                       });
}

bool Runner::pays_to_precopy(const Request& request) const {
    return !request.is_precopied && !request.guest_waits &&
           life_->heap().stats().resident_bytes >= kPrecopiedBytesMin;
}

void Runner::precopy(Request request) {
    publisher_.precopy(*life_, execution_.precopy_rounds,
                       [this, request = std::move(request)](const Result<void>& written) {
                           Request again = request;
                           again.is_precopied = true;
                           if (written.ok()) return inbox_.put_back(std::move(again));
                           finish_checkpoint(request, written.error());
                       });
}

void Runner::finish_checkpoint(const Request& request,
                               const Result<store::CheckpointInfo>& published) {
    note_published(published);
    request.answer(published);
    if (published.ok()) return prune(published->id);
    // Who asked was told that it is under way and has gone.
    if (request.captured) host_.report(published.error());
}

Result<std::optional<Outcome>> Runner::suspend_at_safepoint(const Request& request) {
    publisher_.wait();
    const auto published = publish_suspended(request);
    note_published(published);
    if (!published.ok()) {
        life_->leases().reestablish_all();
        request.answer(published.error());
        if (request.ends_runner) return published.error();
        return std::optional<Outcome>();
    }
    FAULT_POINT(process_suspend_before_release);
    TRACE(process, "suspended", seat_.record.name, static_cast<std::uint64_t>(published->id));
    request.answer(published);
    Outcome outcome;
    outcome.kind = Outcome::Kind::suspended;
    outcome.is_out_of_time = request.is_out_of_time;
    outcome.process = seat_.record;
    outcome.checkpoint = published->id;
    return std::optional(std::move(outcome));
}

Outcome Runner::stopped_at_safepoint(const Request& request) {
    publisher_.wait();
    request.answer(store::CheckpointInfo{});
    Outcome outcome;
    outcome.kind = Outcome::Kind::stopped;
    outcome.is_out_of_time = request.is_out_of_time;
    outcome.process = seat_.record;
    return outcome;
}

Result<store::CheckpointInfo> Runner::publish_suspended(const Request& request) {
    const std::uint64_t paused_at_ns = host_.clock.monotonic_ns();
    TRY(life_->leases().expire_all());
    auto moment = TRY(life_->capture());
    return life_->publish(std::move(moment),
                          {.message = request.message,
                           .state_after = store::ProcessState::suspended,
                           .requested_at_ns = request.requested_at_ns,
                           .pause_us = (host_.clock.monotonic_ns() - paused_at_ns) / 1000});
}

Result<void> Runner::reincarnate_at_safepoint(std::uint64_t paused_at_ns) {
    publisher_.wait();
    // Every other life is written ahead: both ways lead to the same version.
    const std::atomic<bool> stop = stats_.reincarnations % 2 == 0;
    TRY(life_->heap().precopy(execution_.precopy_rounds, stop));
    TRY(publish_at_rest("reincarnation", paused_at_ns));

    inbox_.detach();
    dirty_gauge_.detach();
    stats_.end(*life_);
    life_.reset();
    TRY(seat_.reopen(host_.random));
    lease_host_.files = seat_.files.get();
    auto life = TRY(Incarnation::restore(*seat_.store, seat_.family, seat_.token, surroundings_,
                                         heap_options(), reestablish_leases));
    ++stats_.reincarnations;
    return adopt(std::move(life));
}

Result<Outcome> Runner::conclude(const vm::Stop& stop) {
    publisher_.wait();
    Outcome outcome;
    outcome.process = seat_.record;
    if (const auto* exited = std::get_if<vm::Exited>(&stop)) {
        outcome.exit_code = shell_exit_code(exited->code);
    }
    if (const auto* trapped = std::get_if<vm::Trapped>(&stop)) {
        outcome.kind = Outcome::Kind::trapped;
        outcome.exit_code = kTrapExitCode;
        outcome.trapped = *trapped;
        outcome.modules = life_->machine().modules();
    }
    if (!seat_.lock) return outcome;
    life_->end(outcome.exit_code);
    if (life_->has_volumes()) TRY(keep_volumes());
    TRY(seat_.family->set_state(seat_.token, store::ProcessState::exited, outcome.exit_code));
    return outcome;
}

Result<void> Runner::keep_volumes() {
    const auto published = TRY(publish_at_rest("end", host_.clock.monotonic_ns()));
    prune(published.id);
    return {};
}

Result<store::CheckpointInfo> Runner::publish_at_rest(const std::string& message,
                                                      std::uint64_t requested_at_ns) {
    auto moment = TRY(life_->capture());
    auto published = life_->publish(std::move(moment), {.message = message,
                                                        .state_after = store::ProcessState::running,
                                                        .requested_at_ns = requested_at_ns,
                                                        .pause_us = 0});
    note_published(published);
    return published;
}

Result<Outcome> Runner::end_again() {
    Outcome outcome;
    outcome.process = seat_.record;
    outcome.exit_code = life_->exit_code();
    TRY(seat_.family->set_state(seat_.token, store::ProcessState::exited, outcome.exit_code));
    return outcome;
}

void Runner::note_published(const Result<store::CheckpointInfo>& published) {
    if (published.ok()) {
        ++stats_.checkpoints;
    } else {
        end_if_fenced(published.error());
    }
}

void Runner::end_if_fenced(const Error& error) {
    if (error.code != ErrorCode::lease_lost) return;
    const std::lock_guard guard(fenced_mutex_);
    fenced_because_ = error;
    inbox_.stop_machine();
}

void Runner::prune(store::Version head) {
    if (!execution_.keep) return;
    const auto removed = remove_superseded(head);
    if (!removed.ok()) end_if_fenced(removed.error());
    const bool is_news = !has_prune_failed_ && !removed.ok();
    if (is_news && removed.error().code != ErrorCode::lease_lost) host_.report(removed.error());
    has_prune_failed_ = !removed.ok();
}

Result<void> Runner::remove_superseded(store::Version head) {
    auto checkpoints = TRY(seat_.family->checkpoints(seat_.record.id));
    // Those that it grew from are another process's.
    std::erase_if(checkpoints, [&](const auto& info) { return info.process != seat_.record.id; });
    const std::uint64_t begun_ns = host_.clock.monotonic_ns();
    std::size_t done = 0;
    for (const store::Version version : superseded(*execution_.keep, checkpoints, head)) {
        const bool is_long = host_.clock.monotonic_ns() - begun_ns > kRemovingNsMax;
        if (is_long && done >= kRemovedAtLeast) break;
        const auto removed = seat_.family->prune(version, seat_.token);
        // Another process of the family may stand there; or a person was faster, or has tagged it.
        const bool is_fine = removed.ok() || removed.error().code == ErrorCode::busy ||
                             removed.error().code == ErrorCode::not_found;
        if (!is_fine) return removed.error();
        if (removed.ok()) ++done;
    }
    const auto oldest = TRY(oldest_file_moment(*seat_.family, seat_.record.id));
    if (oldest) files_needed_from_ = plain(*oldest);
    return {};
}

void Runner::drop_old_file_history() {
    const leases::HistoryPosition needed{files_needed_from_.exchange(0)};
    if (seat_.files == nullptr || plain(needed) == 0) return;
    const auto dropped = seat_.files->drop_before(needed);
    if (!dropped.ok()) TRACE(process, "file_history_not_dropped", dropped.error().message);
}

}  // namespace sojourn::process
