#pragma once

#include <span>
#include <string>
#include <string_view>

#include "vm/wasm/module.hpp"

namespace sojourn::vm {

/// A function that is provided to guests.
struct ProvidedImport {
    std::string_view module;
    std::string_view name;
    FunctionType type;
};

/// What a person may have meant with an import that is not provided: another type of that function,
/// another module's function of that name, or a name with a few other letters. Empty: nothing.
std::string nearest_import(std::span<const ProvidedImport> provided, std::string_view module,
                           std::string_view name);

}  // namespace sojourn::vm
