#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "vm/exec/compiled_tier.hpp"

namespace sojourn::vm {

/// How guest code is run. The guest sees no difference.
enum class Engine : std::uint8_t {
    interp,  ///< interpreted
    jit,     ///< every function compiled when it is called first
};

/// By its name. Errors: invalid_argument.
Result<Engine> parse_engine(std::string_view text);

/// What a machine needs for that engine: nothing for the interpreter. The compiler is a file of its
/// own, loaded here: most processes never need it, and it takes milliseconds.
/// Errors: unsupported when this build has none, or it can't be loaded.
Result<std::unique_ptr<CompiledTier>> open_tier(Engine engine);

}  // namespace sojourn::vm
