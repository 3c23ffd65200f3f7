#include "tests/fuzz/observation.hpp"

#include <filesystem>
#include <fstream>

#include "tests/fuzz/sandbox.hpp"
#include "tests/support/machine_stack.hpp"

namespace sojourn::fuzz {

using vm::Trap;

namespace {

std::string_view group_of(Trap trap) {
    switch (trap) {
        case Trap::unreachable:
            return "unreachable";
        case Trap::divide_by_zero:
            return "divide by zero";
        case Trap::integer_overflow:
        case Trap::invalid_conversion:
            return "overflow";
        case Trap::out_of_bounds_memory:
            return "memory";
        case Trap::out_of_bounds_table:
        case Trap::undefined_element:
            return "table";
        case Trap::uninitialized_element:
        case Trap::indirect_type_mismatch:
            return "callee";
        case Trap::null_function_reference:
        case Trap::null_reference:
        case Trap::null_exception_reference:
            return "null";
        case Trap::uncaught_exception:
            return "exception";
        case Trap::stack_exhausted:
            return "stack";
        default:
            return vm::text_of(trap);
    }
}

std::string as_numbers(const std::vector<std::uint64_t>& results) {
    std::string text;
    for (const std::uint64_t result : results)
        text += fmt::format(" {:x}", result);
    return text;
}

/// A machine with one instance of a module, on a heap of its own.
class Engine {
public:
    /// Borrows the tier, if there is one.
    Engine(const ByteVector& module, vm::CompiledTier* tier)
        : module_(module),
          tier_(tier),
          heap_fixture_(heap::choose_mechanism(std::nullopt).value()) {
        heap_ = heap_fixture_.create();
        machine_ = vm::Machine::create(*heap_, host_, {}, tier_).value();
        const auto added = machine_->instantiate(vm::load_module(module_).value(), nullptr);
        instance_ = std::get<vm::InstanceIndex>(added.value());
    }

    /// What happens at one.
    enum class Pause { goes_on, tells_stack, is_rebirth };

    /// 0: it never pauses.
    std::string observe(std::uint64_t safepoints, Pause pause) {
        std::string text;
        for (const vm::Export& exported : std::vector(exports()))
            text += call(exported, safepoints, pause) + '\n';
        return text;
    }

private:
    [[nodiscard]] const std::vector<vm::Export>& exports() const {
        return machine_->module_of(instance_).exports;
    }

    std::string call(const vm::Export& exported, std::uint64_t safepoints, Pause pause) {
        std::string seen = exported.name;
        machine_->start(instance_, exported.index, {});
        for (;;) {
            machine_->pause_every(safepoints);
            const vm::Stop stop = machine_->run();
            if (const auto* finished = std::get_if<vm::Finished>(&stop))
                return seen + as_numbers(finished->results);
            if (const auto* trapped = std::get_if<vm::Trapped>(&stop))
                return fmt::format("{} trap: {}", seen, group_of(trapped->trap));
            EXPECTS(std::holds_alternative<vm::Paused>(stop),
                    "nobody ends a guest that calls none");
            if (pause == Pause::is_rebirth) be_reborn();
            if (pause == Pause::tells_stack)
                seen += as_numbers(tests::stack_of(*machine_, *heap_)) + "\n ";
        }
    }

    void be_reborn() {
        const ByteVector state = machine_->capture();
        EXPECTS(tests::commit(*heap_, as_text(state)).ok(), "a store in memory takes a commit");
        machine_.reset();
        heap_.reset();
        heap_ = heap_fixture_.open();
        const auto module = [this](const Sha256&) -> Result<ByteVector> { return module_; };
        machine_ = vm::Machine::restore(*heap_, host_, heap_->attachment(), module, tier_).value();
    }

    ByteVector module_;
    vm::CompiledTier* tier_;
    tests::HeapFixture heap_fixture_;
    Nowhere host_;
    std::unique_ptr<heap::Heap> heap_;
    std::unique_ptr<vm::Machine> machine_;
    vm::InstanceIndex instance_{0};
};

}  // namespace

std::string observe(const ByteVector& module, vm::CompiledTier* tier) {
    return Engine(module, tier).observe(0, Engine::Pause::goes_on);
}

std::string observe_reborn(const ByteVector& module, std::uint64_t safepoints,
                           vm::CompiledTier* tier) {
    EXPECTS(safepoints > 0, "there is a life between two rebirths");
    return Engine(module, tier).observe(safepoints, Engine::Pause::is_rebirth);
}

std::string observe_stacks(const ByteVector& module, std::uint64_t safepoints,
                           vm::CompiledTier* tier) {
    EXPECTS(safepoints > 0, "a stack is looked at where it pauses");
    return Engine(module, tier).observe(safepoints, Engine::Pause::tells_stack);
}

void expect_same(const ByteVector& module, const Witness& first, const Witness& second) {
    if (first.saw == second.saw) return;
    const auto path = std::filesystem::temp_directory_path() / "sojourn-difference.wasm";
    std::ofstream(path, std::ios::binary) << as_text(module);
    fmt::print(stderr, "{}, as {} sees it:\n{}\nas {} does:\n{}\n", path.native(), first.name,
               first.saw, second.name, second.saw);
    EXPECTS(false, "a module does the same wherever it runs");
}

}  // namespace sojourn::fuzz
