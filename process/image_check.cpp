#include "process/image_check.hpp"

#include "process/attachment.hpp"
#include "vm/supervisor.hpp"

namespace sojourn::process {

namespace {

/// Of a process that does not run.
class NoSupervisor final : public vm::Supervisor {
public:
    Result<void> request_checkpoint() override {
        return fail(ErrorCode::unsupported, "nothing of this process is kept");
    }
    std::optional<Result<CheckpointEnd>> take_checkpoint_end() override { return std::nullopt; }
    std::uint64_t generation() const override { return 0; }
};

/// Restores all but what leases stand for, and lets it go again.
Result<void> try_restore(heap::Heap& heap, store::Epoch epoch, const vm::ModuleSource& modules,
                         const HostProcess& host) {
    const auto interrupt = TRY(leases::Interrupt::create());
    leases::Host lease_host{.clock = host.clock, .random = host.random, .interrupt = *interrupt};
    NoSupervisor supervisor;
    const auto saved = TRY(decode_attachment(heap.attachment()));
    const auto leases = TRY(leases::LeaseManager::restore(saved.leases, lease_host, epoch));
    const auto dispatcher = TRY(vm::Dispatcher::restore(*leases, saved.host, supervisor));
    TRY(vm::Machine::restore(heap, *dispatcher, saved.machine, modules));
    return {};
}

}  // namespace

Result<void> check_imported(std::shared_ptr<store::Family> family, store::FencingToken token,
                            std::size_t unit_bytes, const vm::ModuleSource& modules,
                            const HostProcess& host) {
    heap::HeapOptions options;
    options.unit_bytes = unit_bytes;
    const auto heap = heap::Heap::open(std::move(family), token, host.clock, options);
    const auto restored =
        heap.ok() ? try_restore(**heap, token.epoch, modules, host) : Result<void>(heap.error());
    // Where the host lacks memory, another one may have it.
    const bool is_host_to_blame =
        !restored.ok() && restored.error().code == ErrorCode::out_of_memory;
    return is_host_to_blame ? Result<void>() : restored;
}

}  // namespace sojourn::process
