#pragma once

#include "tests/fuzz/module_shape.hpp"

namespace sojourn::fuzz {

/// A valid module of the dialect, whatever the bytes are. Each function it exports takes nothing,
/// comes to an end within a few thousand instructions, and gives nothing but i64; the last one,
/// what the others left behind in globals, memories and tables. It imports nothing. Of what the
/// specification leaves open nothing can be seen, but for the results of relaxed instructions.
ByteVector generated_module(Bytes choices, const Dialect& dialect);

}  // namespace sojourn::fuzz
