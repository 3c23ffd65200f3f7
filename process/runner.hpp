#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "leases/console.hpp"
#include "leases/own_terminal.hpp"
#include "process/control_server.hpp"
#include "process/dirty_gauge.hpp"
#include "process/guest_checkpoints.hpp"
#include "process/inbox.hpp"
#include "process/periodic_checkpoints.hpp"
#include "process/process.hpp"
#include "process/program.hpp"
#include "process/publisher.hpp"
#include "process/run_stats.hpp"
#include "process/seat.hpp"
#include "process/signal_watch.hpp"
#include "process/time_limit.hpp"

namespace sojourn::process {

/// Runs one process: lets the machine go on from pause to pause and, while it stands still, does
/// what was asked for. The guest runs on the thread that calls run(); borrows `host`.
class Runner {
public:
    static Result<std::unique_ptr<Runner>> create(const Execution& execution,
                                                  const HostProcess& host);
    /// The heap goes before the control socket, which answers to the end.
    ~Runner();

    /// From now on the process can be spoken to: the control socket, and the signals that suspend.
    /// Requires: the seat has a lock.
    Result<void> listen(const Seat& seat);

    /// Puts a new process on the seat and begins it. Then run().
    Result<void> begin(Seat seat, std::shared_ptr<const vm::Module> program,
                       const vm::Launch& launch, const vm::MachineOptions& machine);
    /// Puts the process on the seat as its family last published it, but for these variables. Then
    /// run().
    Result<void> restore(Seat seat, const ObtainLeases& obtain_leases,
                         const std::vector<std::string>& environment);

    Result<Outcome> run();

    /// Instead of run(), for a new process that could not begin: the store forgets it.
    void forget_process();

private:
    Runner(const Execution& execution, const HostProcess& host,
           std::unique_ptr<leases::Interrupt> interrupt);
    Result<void> take_terminal();

    [[nodiscard]] heap::HeapOptions heap_options() const;
    void sit_on(Seat seat);
    Result<void> adopt(std::unique_ptr<Incarnation> life);

    /// How far the guest has come: it stays the same exactly while the guest does nothing.
    struct Progress {
        std::uint64_t safepoints = 0;
        std::uint64_t host_calls = 0;

        bool operator==(const Progress&) const = default;
    };
    [[nodiscard]] Progress progress() const;

    Result<Outcome> run_until_end();
    /// The end, if what was asked for is one.
    Result<std::optional<Outcome>> serve_at_safepoint();
    void begin_time_limit(std::uint64_t timeout_ns);
    Outcome stopped_at_safepoint(const Request& request);
    void checkpoint_at_safepoint(Request request, std::uint64_t paused_at_ns);
    [[nodiscard]] bool pays_to_precopy(const Request& request) const;
    /// The guest goes on meanwhile; then the request is there again.
    void precopy(Request request);
    /// The rest of a checkpoint, on the publishing thread.
    void finish_checkpoint(const Request& request, const Result<store::CheckpointInfo>& published);
    Result<std::optional<Outcome>> suspend_at_safepoint(const Request& request);
    Result<store::CheckpointInfo> publish_suspended(const Request& request);
    /// Of a guest that does not go on meanwhile, so that there is no pause.
    Result<store::CheckpointInfo> publish_at_rest(const std::string& message,
                                                  std::uint64_t requested_at_ns);
    Result<void> reincarnate_at_safepoint(std::uint64_t paused_at_ns);
    Result<Outcome> conclude(const vm::Stop& stop);
    /// The last checkpoint, of a process that has ended: the volumes are in no other place.
    Result<void> keep_volumes();
    /// The process goes on from its last moment.
    Result<Outcome> end_again();
    void note_published(const Result<store::CheckpointInfo>& published);
    void end_if_fenced(const Error& error);
    /// Removes what is not to be kept once `head` is there. What can't be removed stays.
    void prune(store::Version head);
    Result<void> remove_superseded(store::Version head);
    /// Forgets of files what no checkpoint goes back to. What can't be removed stays.
    void drop_old_file_history();

    const Execution& execution_;
    const HostProcess& host_;
    std::unique_ptr<leases::Interrupt> interrupt_;
    std::unique_ptr<leases::Console> console_;           ///< when detached
    std::unique_ptr<leases::OwnTerminal> own_terminal_;  ///< else, if there is one
    leases::Host lease_host_;
    Inbox inbox_;
    GuestCheckpoints guest_checkpoints_;
    std::unique_ptr<vm::CompiledTier> tier_;
    Surroundings surroundings_;
    Seat seat_;
    DirtyGauge dirty_gauge_;
    RunStats stats_;

    std::mutex fenced_mutex_;
    std::optional<Error> fenced_because_;  ///< another runner may act: this one must end

    std::unique_ptr<ControlServer> control_;
    std::unique_ptr<SignalWatch> signals_;
    std::unique_ptr<PeriodicCheckpoints> periodic_checkpoints_;
    std::unique_ptr<TimeLimit> time_limit_;
    std::optional<vm::Trap> trap_at_start_;
    std::unique_ptr<Incarnation> life_;
    std::uint64_t suspend_at_ = 0;          ///< safepoints; for Execution::suspend_after
    std::optional<Progress> published_at_;  ///< of the last checkpoint; used while none is written
    std::atomic<std::uint64_t> files_needed_from_ = 0;  ///< a position; what is older can go
    bool has_prune_failed_ = false;                     ///< the last one; the publishing thread's
    Publisher publisher_;  ///< destroyed, and so waited for, before the life that it publishes
};

}  // namespace sojourn::process
