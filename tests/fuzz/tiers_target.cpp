#include "tests/fuzz/generated_module.hpp"
#include "tests/fuzz/observation.hpp"
#include "vm/engine.hpp"

namespace sojourn::fuzz {

namespace {

/// Without what leaves a function to the interpreter: a generated one has a bit of everything.
Dialect compiled_dialect() {
    using enum vm::Opcode;
    Dialect dialect = Dialect::whole();
    for (const vm::Opcode opcode : {try_, catch_, catch_all, delegate, rethrow, try_table, throw_,
                                    throw_ref, return_call, return_call_indirect, return_call_ref})
        dialect.opcodes.reset(static_cast<std::size_t>(opcode));
    return dialect;
}

}  // namespace

Seeds seeds_of_tiers() {
    constexpr std::size_t kSeeds = 8;
    return vm::open_tier(vm::Engine::jit).ok() ? random_seeds(kSeeds) : Seeds();
}

/// Whose first choices are how often it is reborn or looked at, and whether some of it is left to
/// the interpreter.
void run_tiers(Bytes input) {
    constexpr unsigned kSafepointsMax = 60;
    Input choices(input);
    const std::uint64_t safepoints = 1 + choices.take<std::uint8_t>() % kSafepointsMax;
    const bool is_mixed = choices.take<std::uint8_t>() % 4 == 0;
    const auto tier = vm::open_tier(vm::Engine::jit);
    if (!tier.ok()) return;
    const ByteVector module =
        generated_module(choices.rest(), is_mixed ? Dialect::whole() : compiled_dialect());
    const std::string interpreted = observe(module);
    expect_same(module, {"interpreted", interpreted}, {"compiled", observe(module, tier->get())});
    expect_same(module, {"interpreted", interpreted},
                {"reborn in both tiers", observe_reborn(module, safepoints, tier->get())});
    const std::string stacks = observe_stacks(module, safepoints);
    expect_same(module, {"interpreted", stacks},
                {"compiled", observe_stacks(module, safepoints, tier->get())});
    const auto background = vm::open_tier(vm::Engine::automatic, {.patience = 2}).value();
    expect_same(
        module, {"interpreted", stacks},
        {"compiled in the background", observe_stacks(module, safepoints, background.get())});
}

}  // namespace sojourn::fuzz
