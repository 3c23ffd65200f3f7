#include <algorithm>

#include "tests/fuzz/sandbox.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/support/heap_fixture.hpp"

namespace sojourn::fuzz {

namespace {

constexpr std::size_t kCallsMax = 16;

void call_everything(vm::Machine& machine, vm::InstanceIndex instance) {
    const vm::Module& module = machine.module_of(instance);
    std::size_t calls = 0;
    for (const vm::Export& found : module.exports) {
        if (found.kind != vm::ExternKind::function || ++calls > kCallsMax) continue;
        const std::size_t count = module.type_of_function(found.index).parameters.size();
        const std::vector<std::uint64_t> arguments(count, 3);
        machine.start(instance, found.index, arguments);
        run_for_a_while(machine);
        if (machine.is_running()) return;
    }
}

}  // namespace

Seeds seeds_of_program() {
    return module_seeds();
}

void run_program(Bytes input) {
    auto module = vm::load_module(to_vector(input));
    if (!module.ok() || !is_small(**module)) return;
    tests::HeapFixture fixture(heap::choose_mechanism(std::nullopt).value());
    const auto heap = fixture.create();
    Nowhere host;
    const auto machine = vm::Machine::create(*heap, host, {}).value();
    const auto nobody = [](std::string_view, std::string_view) {
        return std::optional<vm::ExternRef>();
    };
    const auto instance = machine->instantiate(*module, nobody);
    if (!instance.ok() || std::holds_alternative<vm::Trap>(*instance)) return;
    call_everything(*machine, std::get<vm::InstanceIndex>(*instance));
}

}  // namespace sojourn::fuzz
