#include "tests/support/compiled_tier.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "vm/engine.hpp"

namespace sojourn::tests {

namespace {

std::unique_ptr<vm::CompiledTier> load_tier() {
    const char* const engine = std::getenv("SOJOURN_ENGINE");
    if (engine == nullptr || engine != std::string_view("jit")) return nullptr;
    auto tier = vm::open_tier(vm::Engine::jit);
    if (tier.ok()) return *std::move(tier);
    std::fprintf(stderr, "SOJOURN_ENGINE=jit: %s\n", tier.error().message.c_str());
    std::exit(EXIT_FAILURE);
}

}  // namespace

vm::CompiledTier* tier_of_tests() {
    static const std::unique_ptr<vm::CompiledTier> tier = load_tier();
    return tier.get();
}

}  // namespace sojourn::tests
