#pragma once

#include <functional>
#include <string>

#include "vm/wasm/instruction.hpp"

/// Instructions for people to read.
namespace sojourn::vm {

/// As the text format writes it, its immediates as they stand in the binary; `call 7 <name>` where
/// the module names the function. The name is printable.
std::string text_of(const Module& module, const Instruction& instruction);

struct DisassembledLine {
    std::uint32_t offset = 0;  ///< from the module's first byte
    std::uint32_t depth = 0;   ///< how many blocks it stands in
    std::string text;
};

/// The body, line by line, its final `end` included. Requires: the function is not imported.
void disassemble(const Module& module, const Function& function,
                 const std::function<void(const DisassembledLine&)>& visit);

}  // namespace sojourn::vm
