#pragma once

#include <cstdint>
#include <string_view>

/// The extensions of WebAssembly that this build does not have, by their encodings. Each function
/// names the extension; the name is empty when the encoding belongs to none that we know.
namespace sojourn::vm::internal {

std::string_view feature_of_opcode(std::uint8_t first);

}  // namespace sojourn::vm::internal
