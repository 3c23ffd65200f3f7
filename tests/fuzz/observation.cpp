#include "tests/fuzz/observation.hpp"

#include <filesystem>
#include <fstream>

#include "tests/fuzz/sandbox.hpp"

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
    explicit Engine(const ByteVector& module)
        : module_(module), heap_fixture_(heap::choose_mechanism(std::nullopt).value()) {
        heap_ = heap_fixture_.create();
        machine_ = vm::Machine::create(*heap_, host_, {}).value();
        const auto added = machine_->instantiate(vm::load_module(module_).value(), nullptr);
        instance_ = std::get<vm::InstanceIndex>(added.value());
    }

    /// 0: never reborn.
    std::string observe(std::uint64_t safepoints) {
        std::string text;
        for (const vm::Export& exported : std::vector(exports()))
            text += call(exported, safepoints) + '\n';
        return text;
    }

private:
    [[nodiscard]] const std::vector<vm::Export>& exports() const {
        return machine_->module_of(instance_).exports;
    }

    std::string call(const vm::Export& exported, std::uint64_t safepoints) {
        machine_->start(instance_, exported.index, {});
        for (;;) {
            machine_->pause_every(safepoints);
            const vm::Stop stop = machine_->run();
            if (const auto* finished = std::get_if<vm::Finished>(&stop))
                return exported.name + as_numbers(finished->results);
            if (const auto* trapped = std::get_if<vm::Trapped>(&stop))
                return fmt::format("{} trap: {}", exported.name, group_of(trapped->trap));
            EXPECTS(std::holds_alternative<vm::Paused>(stop),
                    "nobody ends a guest that calls none");
            be_reborn();
        }
    }

    void be_reborn() {
        const ByteVector state = machine_->capture();
        EXPECTS(tests::commit(*heap_, as_text(state)).ok(), "a store in memory takes a commit");
        machine_.reset();
        heap_.reset();
        heap_ = heap_fixture_.open();
        const auto module = [this](const Sha256&) -> Result<ByteVector> { return module_; };
        machine_ = vm::Machine::restore(*heap_, host_, heap_->attachment(), module).value();
    }

    ByteVector module_;
    tests::HeapFixture heap_fixture_;
    Nowhere host_;
    std::unique_ptr<heap::Heap> heap_;
    std::unique_ptr<vm::Machine> machine_;
    vm::InstanceIndex instance_{0};
};

}  // namespace

std::string observe(const ByteVector& module) {
    return Engine(module).observe(0);
}

std::string observe_reborn(const ByteVector& module, std::uint64_t safepoints) {
    EXPECTS(safepoints > 0, "there is a life between two rebirths");
    return Engine(module).observe(safepoints);
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
