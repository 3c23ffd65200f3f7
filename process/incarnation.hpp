#pragma once

#include <functional>
#include <memory>

#include "leases/manager.hpp"
#include "process/attachment.hpp"
#include "process/heap_disks.hpp"
#include "store/store.hpp"
#include "vm/host/dispatcher.hpp"
#include "vm/machine.hpp"

namespace sojourn::process {

struct IncarnationOptions {
    heap::HeapOptions heap;
    vm::MachineOptions machine;
    leases::LeaseTerms lease_terms;
};

/// Gets the leases of a restored process, whose files are to be those of a moment. The first error
/// ends the restore.
using ObtainLeases = std::function<Result<void>(leases::LeaseManager&, const FileMoment&)>;

/// All that can be had, by a process that has not run since the moment; what can't is lost.
Result<void> reestablish_leases(leases::LeaseManager& leases, const FileMoment& moment);

/// What an incarnation uses of the host process it lives in. Borrowed; outlives it.
struct Surroundings {
    const Clock& clock;
    const leases::Host& host;
    vm::Supervisor& supervisor;
    vm::CompiledTier* tier = nullptr;  ///< nullptr: the guest is interpreted
};

/// One life of a process between two restores: its heap, machine, leases and host calls, in the
/// order in which they depend on each other. Dropping it and restoring another from the store is
/// invisible to the guest.
class Incarnation {
public:
    /// A new process on an empty heap. Nothing is instantiated yet.
    static Result<std::unique_ptr<Incarnation>> create(std::shared_ptr<store::Family> family,
                                                       store::FencingToken token,
                                                       const vm::Launch& launch,
                                                       const Surroundings& surroundings,
                                                       const IncarnationOptions& options);

    /// The process as last published under the token's process. `store` is where its modules come
    /// from. Its leases are obtained last: what is not sound opens nothing, and touches no file.
    static Result<std::unique_ptr<Incarnation>> restore(store::Store& store,
                                                        std::shared_ptr<store::Family> family,
                                                        store::FencingToken token,
                                                        const Surroundings& surroundings,
                                                        const heap::HeapOptions& options,
                                                        const ObtainLeases& obtain_leases);

    [[nodiscard]] vm::Machine& machine() { return *machine_; }
    [[nodiscard]] heap::Heap& heap() { return *heap_; }
    [[nodiscard]] leases::LeaseManager& leases() { return *leases_; }
    [[nodiscard]] vm::Dispatcher& dispatcher() { return *dispatcher_; }

    [[nodiscard]] Stage stage() const { return stage_; }
    void set_stage(Stage stage) { stage_ = stage; }
    /// The machine is idle, and stays so. `exit_code` is for the shell.
    void end(std::int32_t exit_code);
    /// Requires: stage() is ended.
    [[nodiscard]] std::int32_t exit_code() const { return exit_code_; }

    /// Whether what the guest wrote to files is a part of it, rather than of the host.
    [[nodiscard]] bool has_volumes() const { return !disks_.all().empty(); }

    /// What a checkpoint holds besides pages: taken in the pause, written later.
    struct Moment {
        std::unique_ptr<heap::Snapshot> pages;
        ByteVector attachment;
    };
    /// Requires: the machine is not inside run().
    Result<Moment> capture();
    /// May be called while the guest runs, one at a time, from any thread.
    Result<store::CheckpointInfo> publish(Moment moment, const heap::CommitOptions& options);

private:
    Incarnation(const Surroundings& surroundings, store::ProcessId process,
                std::unique_ptr<heap::Heap> heap);

    // In this order: each uses those above it and is destroyed before them.
    std::unique_ptr<heap::Heap> heap_;
    HeapDisks disks_;
    leases::Volumes volumes_;
    leases::Host host_;  ///< that of the surroundings, with the volumes of this life
    std::unique_ptr<leases::LeaseManager> leases_;
    std::unique_ptr<vm::Dispatcher> dispatcher_;
    std::unique_ptr<vm::Machine> machine_;
    Stage stage_ = Stage::main;
    std::int32_t exit_code_ = 0;
    leases::FileHistory* files_;  ///< of `process_`; null where nothing will be resumed
    store::ProcessId process_;
};

}  // namespace sojourn::process
