#include "vm/machine.hpp"

#include "base/printable.hpp"
#include "base/trace.hpp"
#include "vm/checkpoint/machine_state.hpp"
#include "vm/exec/compiled_code.hpp"
#include "vm/exec/linker.hpp"

namespace sojourn::vm {

namespace {

class HeapMachine final : public Machine {
public:
    HeapMachine(std::unique_ptr<Runtime> runtime, std::unique_ptr<Thread> thread)
        : runtime_(std::move(runtime)), thread_(std::move(thread)) {}

    Result<std::variant<InstanceIndex, Trap>> instantiate(std::shared_ptr<const Module> module,
                                                          const ImportResolver& resolver) override {
        auto bindings = TRY(bind_imports(*runtime_, *module, resolver));
        auto linked = TRY(link(*runtime_, std::move(module), std::move(bindings)));
        TRY(allocate(*runtime_, *linked));
        Instance& instance = *runtime_->instances.emplace_back(std::move(linked));
        std::variant<InstanceIndex, Trap> linked_or_trapped = instance.index;
        if (const auto trap = apply_segments(instance)) linked_or_trapped = *trap;
        return linked_or_trapped;
    }

    std::vector<std::shared_ptr<const Module>> modules() const override {
        std::vector<std::shared_ptr<const Module>> modules;
        for (const auto& instance : runtime_->instances)
            modules.push_back(instance->module);
        return modules;
    }

    const Module& module_of(InstanceIndex instance) const override {
        return *instance_at(instance).module;
    }

    void start(InstanceIndex instance, std::uint32_t function_index,
               std::span<const std::uint64_t> arguments) override {
        const Instance& owner = instance_at(instance);
        EXPECTS(function_index < owner.functions.size(), "a call names a function of its module");
        runtime_->poll.pass(false);
        LinkedFunction& function = *owner.functions[function_index];
        // Should it be invalid, running it is what fails.
        if (function.instance != nullptr) static_cast<void>(translate_once(*runtime_, function));
        thread_->start(function, arguments);
    }

    Stop run() override {
        EXPECTS(is_running(), "run() goes on with a call that is under way");
        const std::uint32_t result_slots =
            runtime_->function_of(*thread_->first_frame()).result_slots;
        const Interruption interruption = run_thread(*runtime_, *thread_);
        switch (interruption.kind) {
            case Interruption::Kind::paused:
                if (runtime_->poll.is_out_of_fuel()) return end_by(Trap::out_of_fuel);
                return Paused{};
            case Interruption::Kind::finished:
                thread_->become_idle();
                return Finished{{thread_->first_slot(), thread_->first_slot() + result_slots}};
            case Interruption::Kind::exited:
                thread_->become_idle();
                return Exited{interruption.exit_code};
            case Interruption::Kind::trapped:
                break;
            case Interruption::Kind::entering:
            case Interruption::Kind::returned:
            case Interruption::Kind::left:
                INVARIANT(false, "how the tiers call each other is their own affair");
        }
        return end_by(interruption.trap);
    }

    bool is_running() const override { return !thread_->is_idle(); }

    void request_pause() override { runtime_->poll.request_pause(); }
    void clear_pause() override { runtime_->poll.clear_pause(); }
    void pause_every(std::uint64_t safepoints) override { runtime_->poll.pause_every(safepoints); }

    ByteVector capture() const override {
        return encode(sojourn::vm::capture(*runtime_, *thread_));
    }

    std::vector<std::uint64_t> read_global(ExternRef global) const override {
        const Instance& instance = instance_at(global.instance);
        if (global.export_index >= instance.module->exports.size()) return {};
        const Export& found = instance.module->exports[global.export_index];
        if (found.kind != ExternKind::global) return {};
        const std::uint64_t* first = instance.globals[found.index];
        return {first, first + slots_of(instance.module->globals[found.index].type.type)};
    }

    MachineStats stats() const override {
        return {runtime_->poll.safepoints(), runtime_->host_calls, runtime_->native_stack.switches};
    }

private:
    const Instance& instance_at(InstanceIndex index) const {
        const auto position = static_cast<std::size_t>(index);
        EXPECTS(position < runtime_->instances.size(), "an instance is named by its index");
        return *runtime_->instances[position];
    }

    Trapped end_by(Trap trap) {
        Trapped trapped = describe(trap);
        thread_->become_idle();
        return trapped;
    }

    BacktraceFrame describe(const FrameState& frame) const {
        const auto index = static_cast<InstanceIndex>(frame.instance);
        return {index, frame.function_index, frame.code_offset,
                module_of(index).function_name(frame.function_index)};
    }

    std::string detail_of(Trap trap) const {
        if (trap == Trap::uncaught_exception) return text_of(*runtime_->uncaught);
        if (trap != Trap::invalid_body) return "";
        const FrameState& top = *thread_->frame;
        const auto body = validated_function(module_of(static_cast<InstanceIndex>(top.instance)),
                                             top.function_index);
        return body.ok() ? "" : body.error().message;
    }

    /// By the name it is exported by, if it is.
    std::string text_of(const ExceptionTag& tag) const {
        const Module& module = module_of(static_cast<InstanceIndex>(tag.instance));
        for (const Export& exported : module.exports) {
            if (exported.kind == ExternKind::tag && exported.index == tag.tag_index)
                return fmt::format("tag \"{}\"", printable_excerpt(exported.name));
        }
        return fmt::format("tag {}", tag.tag_index);
    }

    Trapped describe(Trap trap) const {
        const auto frames = thread_->frames();
        Trapped trapped{.trap = trap, .backtrace = {}, .detail = detail_of(trap)};
        for (std::size_t i = frames.size(); i-- > 0;) {
            if (frames.size() > 2 * kBacktraceEnd && i == frames.size() - kBacktraceEnd - 1) {
                trapped.frames_left_out = frames.size() - 2 * kBacktraceEnd;
                i = kBacktraceEnd - 1;
            }
            trapped.backtrace.push_back(describe(frames[i]));
        }
        TRACE(vm, "trapped", vm::text_of(trap), frames.size());
        return trapped;
    }

    std::unique_ptr<Runtime> runtime_;
    std::unique_ptr<Thread> thread_;
};

}  // namespace

Result<std::unique_ptr<Machine>> Machine::create(heap::Heap& heap, HostCalls& host,
                                                 const MachineOptions& options,
                                                 CompiledTier* tier) {
    if (!is_stack_size(options.stack_bytes_max)) {
        return fail(ErrorCode::invalid_argument, "a stack of {} bytes; it takes {} to {}",
                    options.stack_bytes_max, kStackBytesMin, kStackBytesMax);
    }
    const std::uint64_t bytes = options.stack_bytes_max;
    heap::Region* slots = TRY(heap.add_region(stack_region_spec(heap::RegionKind::slots, bytes)));
    heap::Region* frames = TRY(heap.add_region(stack_region_spec(heap::RegionKind::frames, bytes)));
    auto runtime = std::make_unique<Runtime>(heap, host, tier);
    runtime->poll.set_fuel(options.fuel);
    runtime->memory_budget.bytes_max = options.memory_bytes_max;
    auto thread = std::make_unique<Thread>(*slots, *frames, bytes);
    return std::unique_ptr<Machine>(
        std::make_unique<HeapMachine>(std::move(runtime), std::move(thread)));
}

Result<std::unique_ptr<Machine>> Machine::restore(heap::Heap& heap, HostCalls& host, Bytes state,
                                                  const ModuleSource& modules, CompiledTier* tier) {
    const MachineState decoded = TRY(decode_machine_state(state));
    auto runtime = std::make_unique<Runtime>(heap, host, tier);
    auto thread = TRY(sojourn::vm::restore(*runtime, decoded, modules));
    return std::unique_ptr<Machine>(
        std::make_unique<HeapMachine>(std::move(runtime), std::move(thread)));
}

}  // namespace sojourn::vm
