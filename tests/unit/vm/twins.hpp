#pragma once

#include <iostream>

#include "tests/unit/vm/exec_fixture.hpp"
#include "vm/engine.hpp"

namespace sojourn::tests {

/// nullptr, having said so, when this build has no compiler.
inline std::unique_ptr<vm::CompiledTier> tier_or_none(vm::Engine engine = vm::Engine::jit) {
    auto tier = vm::open_tier(vm::Engine::jit);
    if (!tier.ok()) {
        std::cout << "test skipped: " << tier.error().message << '\n';
        return nullptr;
    }
    return engine == vm::Engine::jit ? *std::move(tier)
                                     : vm::open_tier(engine, {.patience = 1}).value();
}

/// The same program in both tiers.
struct Twins {
    std::unique_ptr<vm::CompiledTier> tier;
    MachineFixture interpreted;
    MachineFixture compiled;

    explicit Twins(const ByteVector& module, const vm::MachineOptions& options = {},
                   vm::Engine engine = vm::Engine::jit)
        : tier(tier_or_none(engine)), interpreted(options, nullptr), compiled(options, tier.get()) {
        interpreted.add(module);
        compiled.add(module);
    }
    explicit Twins(const std::string& text, const vm::MachineOptions& options = {},
                   vm::Engine engine = vm::Engine::jit)
        : Twins(assemble(text), options, engine) {}

    /// Both, so many safepoints at a time: at each pause they have the same on the stack, at the
    /// end the same results, which it gives back, and have come to as many safepoints.
    std::vector<std::uint64_t> call_in_step(const std::string& function,
                                            const std::vector<std::uint64_t>& arguments,
                                            std::uint64_t safepoints = 1);
};

/// Where the frames of a backtrace stand.
inline std::vector<std::uint32_t> offsets_of(const vm::Trapped& trapped) {
    std::vector<std::uint32_t> offsets;
    for (const vm::BacktraceFrame& frame : trapped.backtrace)
        offsets.push_back(frame.code_offset);
    return offsets;
}

}  // namespace sojourn::tests
