#pragma once

#include <string_view>
#include <vector>

#include "vm/wasm/module.hpp"

namespace sojourn::vm {

/// What a machine must have beyond the first version of WebAssembly to run the module: the names
/// that compilers give to these extensions (`bulk-memory`, `simd128`), sorted. Walks every body.
std::vector<std::string_view> required_features(const Module& module);

}  // namespace sojourn::vm
