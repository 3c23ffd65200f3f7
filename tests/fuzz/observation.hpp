#pragma once

#include <string>

#include "tests/support/heap_fixture.hpp"
#include "vm/machine.hpp"

namespace sojourn::fuzz {

/// What can be seen of a generated module when each of its exported functions is called in turn: a
/// line for each, of its name and its results as hexadecimal numbers, or of `trap:` and the group
/// of traps that other engines can tell apart too. Requires: it is one that generated_module()
/// makes.
std::string observe(const ByteVector& module, vm::CompiledTier* tier = nullptr);

/// The same of a machine that is torn down and restored at every n-th safepoint.
std::string observe_reborn(const ByteVector& module, std::uint64_t safepoints,
                           vm::CompiledTier* tier = nullptr);

/// The same of one that pauses at every n-th safepoint, with what its stack holds there.
std::string observe_stacks(const ByteVector& module, std::uint64_t safepoints,
                           vm::CompiledTier* tier = nullptr);

struct Witness {
    std::string_view name;
    std::string saw;
};

/// Stops here when they saw different things, having said what and written the module down.
void expect_same(const ByteVector& module, const Witness& first, const Witness& second);

}  // namespace sojourn::fuzz
