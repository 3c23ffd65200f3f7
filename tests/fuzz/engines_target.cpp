#include "tests/fuzz/generated_module.hpp"
#include "tests/fuzz/observation.hpp"
#include "tests/fuzz/v8.hpp"
#include "vm/engine.hpp"

namespace sojourn::fuzz {

Seeds seeds_of_engines() {
    return V8::shared() == nullptr ? Seeds() : random_seeds();
}

void run_engines(Bytes input) {
    V8* const v8 = V8::shared();
    if (v8 == nullptr) return;
    const ByteVector module = generated_module(input, v8->dialect());
    const std::string interpreted = observe(module);
    expect_same(module, {"interpreted", interpreted}, {"V8", v8->observe(module)});
    const auto tier = vm::open_tier(vm::Engine::jit);
    if (!tier.ok()) return;
    expect_same(module, {"interpreted", interpreted}, {"compiled", observe(module, tier->get())});
}

}  // namespace sojourn::fuzz
