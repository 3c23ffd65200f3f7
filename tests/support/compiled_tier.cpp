#include "tests/support/compiled_tier.hpp"

#include <cstdio>
#include <cstdlib>

#include "vm/engine.hpp"

namespace sojourn::tests {

namespace {

std::unique_ptr<vm::CompiledTier> load_tier() {
    const char* const engine = std::getenv("SOJOURN_ENGINE");
    if (engine == nullptr) return nullptr;
    const auto parsed = vm::parse_engine(engine);
    auto tier = parsed.ok() ? vm::open_tier(*parsed, {.patience = 1}) : parsed.error();
    if (tier.ok()) return *std::move(tier);
    std::fprintf(stderr, "SOJOURN_ENGINE=%s: %s\n", engine, tier.error().message.c_str());
    std::exit(EXIT_FAILURE);
}

}  // namespace

vm::CompiledTier* tier_of_tests() {
    static const std::unique_ptr<vm::CompiledTier> tier = load_tier();
    return tier.get();
}

}  // namespace sojourn::tests
