#pragma once

#include <map>
#include <optional>

#include "tools/vm/output.hpp"
#include "vm/wasm/module.hpp"

/// What `vm inspect module` tells of a module.
namespace sojourn::tools {

/// `function`, and what kind of thing it is: `(i32) -> ()`, `funcref 1..10`, `mutable i32`.
std::string type_text(const vm::Module& module, vm::ExternKind kind, std::uint32_t index);

/// What the module holds, for scripts: see docs/vm.md.
Json json_of(const vm::Module& module);
/// `{index, name, type, offset, bytes, code[] {offset, text}}`; `code` with `with_code` alone.
/// Requires: the function is not imported.
Json json_of_function(const vm::Module& module, std::uint32_t index, bool with_code);

/// Functions that no engine compiles, by index: why they are left to the interpreter. nullopt: this
/// build has no compiler that could tell.
using Refusals = std::optional<std::map<std::uint32_t, std::string>>;
Refusals find_refusals(const vm::Module& module);

/// Sections, imports, exports, the largest functions, what is needed to run it.
Result<void> print_module(const vm::Module& module, const Refusals& refusals);
Result<void> print_disassembly(const vm::Module& module, std::uint32_t function_index);

}  // namespace sojourn::tools
