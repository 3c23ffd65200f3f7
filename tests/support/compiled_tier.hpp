#pragma once

#include "vm/exec/compiled_tier.hpp"

namespace sojourn::tests {

/// The tier of this test program; nullptr unless SOJOURN_ENGINE asks for one: `jit`, or `auto`,
/// which then asks for code at every call and loop. What then cannot be loaded ends the program:
/// the tests would not be what their name says.
vm::CompiledTier* tier_of_tests();

}  // namespace sojourn::tests
