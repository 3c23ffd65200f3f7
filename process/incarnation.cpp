#include "process/incarnation.hpp"

#include "base/trace.hpp"
#include "leases/file_history.hpp"

namespace sojourn::process {

Result<void> reestablish_leases(leases::LeaseManager& leases, const FileMoment& moment) {
    if (leases.host().files != nullptr)
        TRY(leases.host().files->go_on(leases::HistoryPosition{moment.position}, {}));
    leases.reestablish_all();
    return {};
}

Incarnation::Incarnation(const Surroundings& surroundings, store::ProcessId process,
                         std::unique_ptr<heap::Heap> heap)
    : heap_(std::move(heap)),
      disks_(*heap_),
      volumes_(disks_, surroundings.clock),
      host_(surroundings.host),
      files_(surroundings.host.files),
      process_(process) {
    host_.volumes = &volumes_;
}

Result<std::unique_ptr<Incarnation>> Incarnation::create(std::shared_ptr<store::Family> family,
                                                         store::FencingToken token,
                                                         const vm::Launch& launch,
                                                         const Surroundings& surroundings,
                                                         const IncarnationOptions& options) {
    auto heap = TRY(heap::Heap::create(std::move(family), token, surroundings.clock, options.heap));
    auto life =
        std::unique_ptr<Incarnation>(new Incarnation(surroundings, token.process, std::move(heap)));
    life->leases_ = std::make_unique<leases::LeaseManager>(life->host_, token.epoch);
    life->leases_->set_terms(options.lease_terms);
    life->dispatcher_ =
        TRY(vm::Dispatcher::create(*life->leases_, launch, surroundings.supervisor));
    life->machine_ = TRY(
        vm::Machine::create(*life->heap_, *life->dispatcher_, options.machine, surroundings.tier));
    return life;
}

Result<std::unique_ptr<Incarnation>> Incarnation::restore(store::Store& store,
                                                          std::shared_ptr<store::Family> family,
                                                          store::FencingToken token,
                                                          const Surroundings& surroundings,
                                                          const heap::HeapOptions& options,
                                                          const ObtainLeases& obtain_leases) {
    auto heap = TRY(heap::Heap::open(std::move(family), token, surroundings.clock, options));
    auto life =
        std::unique_ptr<Incarnation>(new Incarnation(surroundings, token.process, std::move(heap)));
    const auto saved = TRY(decode_attachment(life->heap_->attachment()));
    life->stage_ = saved.stage;
    life->exit_code_ = saved.exit_code;
    life->leases_ = TRY(leases::LeaseManager::restore(saved.leases, life->host_, token.epoch));
    life->dispatcher_ =
        TRY(vm::Dispatcher::restore(*life->leases_, saved.host, surroundings.supervisor));
    life->machine_ = TRY(vm::Machine::restore(
        *life->heap_, *life->dispatcher_, saved.machine,
        [&](const Sha256& digest) { return store.module(digest); }, surroundings.tier));
    if (life->machine_->is_running() == (saved.stage == Stage::ended))
        return fail(ErrorCode::corrupt, "a checkpoint's thread is not in the stage it says");
    TRY(obtain_leases(*life->leases_, saved.files));
    TRACE(process, "restored", token.process.hex(), saved.modules.size());
    return life;
}

void Incarnation::end(std::int32_t exit_code) {
    EXPECTS(!machine_->is_running(), "a process ends when its guest does");
    stage_ = Stage::ended;
    exit_code_ = exit_code;
}

Result<Incarnation::Moment> Incarnation::capture() {
    const ByteVector machine = machine_->capture();
    const ByteVector host = dispatcher_->capture();
    const ByteVector leases = TRY(leases_->capture());
    Attachment attachment{stage_, exit_code_, {}, machine, host, leases, {}};
    if (files_ != nullptr) attachment.files = {process_, plain(TRY(files_->mark()))};
    for (const auto& module : machine_->modules())
        attachment.modules.push_back(module->digest());
    Moment moment;
    moment.attachment = encode_attachment(attachment);
    moment.pages = TRY(heap_->snapshot());
    return moment;
}

Result<store::CheckpointInfo> Incarnation::publish(Moment moment,
                                                   const heap::CommitOptions& options) {
    return heap_->commit(std::move(moment.pages), moment.attachment, options);
}

}  // namespace sojourn::process
