#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

namespace sojourn::tests {

/// Where a random test begins: SOJOURN_SEED, which repeats one, else anywhere.
inline std::uint32_t first_seed() {
    const char* text = std::getenv("SOJOURN_SEED");
    return text == nullptr ? std::random_device()() : static_cast<std::uint32_t>(std::atoll(text));
}

}  // namespace sojourn::tests
