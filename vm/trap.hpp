#pragma once

#include <cstdint>

namespace sojourn::vm {

/// The ways a guest can go wrong (vm/traps.def).
enum class Trap : std::uint8_t {
#define TRAP(name, text) name,
#include "vm/traps.def"
#undef TRAP
};

const char* text_of(Trap trap);

}  // namespace sojourn::vm
