#pragma once

#include "vm/wasm/module.hpp"

/// A module's debug information in the container that readers of DWARF know.
namespace sojourn::tools {

/// Its DWARF names source lines, or claims to.
bool has_source_lines(const vm::Module& module);

/// An ELF file with those custom sections of the module that lead from an address to a line,
/// nothing else. Their contents are the guest's: nobody has looked at them.
ByteVector debug_image(const vm::Module& module);

/// DWARF counts from the first byte of the code section's content, `code_offset` from the module's.
std::uint64_t debug_address(const vm::Module& module, std::uint32_t code_offset);

}  // namespace sojourn::tools
