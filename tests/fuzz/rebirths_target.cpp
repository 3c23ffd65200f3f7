#include "tests/fuzz/generated_module.hpp"
#include "tests/fuzz/observation.hpp"

namespace sojourn::fuzz {

Seeds seeds_of_rebirths() {
    constexpr std::size_t kSeeds = 8;
    return random_seeds(kSeeds);
}

/// Whose first choice is how often.
void run_rebirths(Bytes input) {
    constexpr unsigned kSafepointsMax = 60;
    Input choices(input);
    const std::uint64_t safepoints = 1 + choices.take<std::uint8_t>() % kSafepointsMax;
    const ByteVector module = generated_module(choices.rest(), Dialect::whole());
    expect_same(module, {"uninterrupted", observe(module)},
                {"reborn", observe_reborn(module, safepoints)});
}

}  // namespace sojourn::fuzz
