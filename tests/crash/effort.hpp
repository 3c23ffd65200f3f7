#pragma once

#include <cstdlib>
#include <random>

#include <catch2/catch.hpp>

namespace sojourn::tests {

/// How many times as much a random test does as in CI: SOJOURN_TEST_EFFORT, 1 unless given.
inline int effort() {
    const char* given = std::getenv("SOJOURN_TEST_EFFORT");
    return given != nullptr ? std::max(1, std::atoi(given)) : 1;
}

/// A seed, after saying how to repeat what came of it.
inline unsigned announced_seed() {
    const unsigned seed = Catch::rngSeed() != 0 ? Catch::rngSeed() : std::random_device()();
    WARN("repeat with --rng-seed " << seed);
    return seed;
}

}  // namespace sojourn::tests
