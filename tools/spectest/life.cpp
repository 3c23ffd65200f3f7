#include "tools/spectest/life.hpp"

#include "process/incarnation.hpp"
#include "process/temporary_directory.hpp"
#include "tools/spectest/twin_machine.hpp"

namespace sojourn::spec {

namespace {

/// The scripts import from instances alone.
class NoHostCalls final : public vm::HostCalls {
public:
    std::optional<vm::HostFunctionId> find(std::string_view, std::string_view,
                                           const vm::FunctionType&, vm::ValueType) const override {
        return std::nullopt;
    }
    vm::HostOutcome call(const vm::HostCall&) override {
        return {.kind = vm::HostOutcome::Kind::trapped};
    }
};

/// Nor do they ask for checkpoints.
class NoSupervisor final : public vm::Supervisor {
public:
    Result<void> request_checkpoint() override {
        return fail(ErrorCode::unsupported, "the scripts ask for no checkpoint");
    }
    std::optional<Result<CheckpointEnd>> take_checkpoint_end() override { return std::nullopt; }
    std::uint64_t generation() const override { return 0; }
};

class PlainLife final : public Life {
public:
    static Result<std::unique_ptr<PlainLife>> create(const Clock& clock, Random& random,
                                                     const heap::HeapOptions& heap,
                                                     vm::CompiledTier* tier) {
        auto life = std::make_unique<PlainLife>();
        life->store_ = TRY(store::Store::open("mem:", {}, random));
        const auto process = TRY(life->store_->create_process({}));
        auto family = TRY(life->store_->family(process.family));
        const auto token = TRY(family->acquire(process.id, std::nullopt));
        life->heap_ = TRY(heap::Heap::create(std::move(family), token, clock, heap));
        life->machine_ = TRY(vm::Machine::create(*life->heap_, life->host_, {}, tier));
        return life;
    }

    vm::Machine& machine() override { return *machine_; }
    [[nodiscard]] heap::Heap& heap() { return *heap_; }
    Result<void> keep(const vm::Module&) override { return {}; }
    Result<vm::Stop> finish() override { return machine_->run(); }
    Result<void> rest() override { return {}; }

private:
    NoHostCalls host_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<heap::Heap> heap_;
    std::unique_ptr<vm::Machine> machine_;
};

class ShadowedLife final : public Life {
public:
    ShadowedLife(std::unique_ptr<PlainLife> life, std::unique_ptr<PlainLife> shadow, Pace& pace)
        : life_(std::move(life)),
          shadow_(std::move(shadow)),
          twin_({life_->machine(), life_->heap()}, {shadow_->machine(), shadow_->heap()}),
          pace_(pace) {}

    vm::Machine& machine() override { return twin_; }
    Result<void> keep(const vm::Module&) override { return {}; }

    Result<vm::Stop> finish() override {
        for (;;) {
            twin_.pause_every(pace_.safepoints_to_next());
            vm::Stop stop = twin_.run();
            if (twin_.difference())
                return fail(ErrorCode::corrupt, "the tiers differ: {}", *twin_.difference());
            if (!std::holds_alternative<vm::Paused>(stop)) return stop;
            pace_.count_safepoint();
        }
    }

    Result<void> rest() override { return {}; }

private:
    std::unique_ptr<PlainLife> life_;
    std::unique_ptr<PlainLife> shadow_;
    TwinMachine twin_;
    Pace& pace_;
};

class ReincarnatingLife final : public Life {
public:
    static Result<std::unique_ptr<Life>> create(const Clock& clock, Random& random,
                                                const heap::HeapOptions& heap, Pace& pace,
                                                vm::CompiledTier* tier) {
        auto directory = TRY(process::TemporaryDirectory::create());
        auto interrupt = TRY(leases::Interrupt::create());
        auto life = std::make_unique<ReincarnatingLife>(clock, random, heap, pace, tier,
                                                        std::move(directory), std::move(interrupt));
        TRY(life->open_store());
        const auto process = TRY(life->store_->create_process({}));
        life->process_ = process.id;
        life->family_id_ = process.family;
        const Seat seat = TRY(life->take_seat());
        life->incarnation_ =
            TRY(process::Incarnation::create(seat.family, seat.token, {}, life->surroundings(),
                                             {.heap = heap, .machine = {}, .lease_terms = {}}));
        return std::unique_ptr<Life>(std::move(life));
    }

    ReincarnatingLife(const Clock& clock, Random& random, heap::HeapOptions heap, Pace& pace,
                      vm::CompiledTier* tier,
                      std::unique_ptr<process::TemporaryDirectory> directory,
                      std::unique_ptr<leases::Interrupt> interrupt)
        : clock_(clock),
          random_(random),
          heap_options_(std::move(heap)),
          pace_(pace),
          tier_(tier),
          directory_(std::move(directory)),
          interrupt_(std::move(interrupt)),
          host_{clock, random, *interrupt_} {}

    vm::Machine& machine() override { return incarnation_->machine(); }

    Result<void> keep(const vm::Module& module) override {
        TRY(store_->put_module(module.bytes));
        return {};
    }

    Result<vm::Stop> finish() override {
        while (true) {
            machine().pause_every(pace_.safepoints_to_next());
            vm::Stop stop = machine().run();
            if (!std::holds_alternative<vm::Paused>(stop)) return stop;
            TRY(reincarnate());
            pace_.count_safepoint();
        }
    }

    Result<void> rest() override {
        TRY(reincarnate());
        pace_.count_rest();
        return {};
    }

private:
    struct Seat {
        std::shared_ptr<store::Family> family;
        store::FencingToken token;
    };

    [[nodiscard]] process::Surroundings surroundings() {
        return {clock_, host_, supervisor_, tier_};
    }

    Result<void> open_store() {
        store_ = TRY(store::Store::open(directory_->path() / "store",
                                        {.create = true, .sync = false}, random_));
        return {};
    }

    Result<Seat> take_seat() {
        auto family = TRY(store_->family(family_id_));
        const auto token = TRY(family->acquire(process_, std::nullopt));
        return Seat{std::move(family), token};
    }

    Result<void> reincarnate() {
        // Between two calls nothing is under way.
        incarnation_->set_stage(machine().is_running() ? process::Stage::main
                                                       : process::Stage::ended);
        auto moment = TRY(incarnation_->capture());
        TRY(incarnation_->publish(std::move(moment), {}));
        incarnation_.reset();
        store_.reset();
        TRY(open_store());
        const Seat seat = TRY(take_seat());
        incarnation_ =
            TRY(process::Incarnation::restore(*store_, seat.family, seat.token, surroundings(),
                                              heap_options_, process::reestablish_leases));
        return {};
    }

    const Clock& clock_;
    Random& random_;
    heap::HeapOptions heap_options_;
    Pace& pace_;
    vm::CompiledTier* tier_;
    std::unique_ptr<process::TemporaryDirectory> directory_;
    std::unique_ptr<leases::Interrupt> interrupt_;
    leases::Host host_;
    NoSupervisor supervisor_;
    store::ProcessId process_;
    store::FamilyId family_id_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<process::Incarnation> incarnation_;
};

}  // namespace

void Pace::count_safepoint() {
    constexpr std::uint64_t kAtEverySafepoint = 2000;
    constexpr std::uint64_t kAtEachFurtherInterval = 100;
    constexpr std::uint64_t kIntervalGrowth = 4;
    ++at_safepoints_;
    if (is_steady_ || at_safepoints_ < kAtEverySafepoint) return;
    if ((at_safepoints_ - kAtEverySafepoint) % kAtEachFurtherInterval == 0) {
        interval_ *= kIntervalGrowth;
    }
}

Result<std::unique_ptr<Life>> create_plain_life(const Clock& clock, Random& random,
                                                const heap::HeapOptions& heap,
                                                vm::CompiledTier* tier) {
    return std::unique_ptr<Life>(TRY(PlainLife::create(clock, random, heap, tier)));
}

Result<std::unique_ptr<Life>> create_shadowed_life(const Clock& clock, Random& random,
                                                   const heap::HeapOptions& heap, Pace& pace,
                                                   vm::CompiledTier* tier) {
    auto life = TRY(PlainLife::create(clock, random, heap, tier));
    auto shadow = TRY(PlainLife::create(clock, random, heap, nullptr));
    return std::unique_ptr<Life>(
        std::make_unique<ShadowedLife>(std::move(life), std::move(shadow), pace));
}

Result<std::unique_ptr<Life>> create_reincarnating_life(const Clock& clock, Random& random,
                                                        const heap::HeapOptions& heap, Pace& pace,
                                                        vm::CompiledTier* tier) {
    return ReincarnatingLife::create(clock, random, heap, pace, tier);
}

}  // namespace sojourn::spec
