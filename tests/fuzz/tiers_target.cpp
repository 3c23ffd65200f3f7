#include "tests/fuzz/generated_module.hpp"
#include "tests/fuzz/observation.hpp"
#include "vm/engine.hpp"

namespace sojourn::fuzz {

Seeds seeds_of_tiers() {
    constexpr std::size_t kSeeds = 8;
    return vm::open_tier(vm::Engine::jit).ok() ? random_seeds(kSeeds) : Seeds();
}

/// Whose first choice is how often it is reborn or looked at.
void run_tiers(Bytes input) {
    constexpr unsigned kSafepointsMax = 60;
    Input choices(input);
    const std::uint64_t safepoints = 1 + choices.take<std::uint8_t>() % kSafepointsMax;
    const auto tier = vm::open_tier(vm::Engine::jit);
    if (!tier.ok()) return;
    const ByteVector module = generated_module(choices.rest(), Dialect::whole());
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
