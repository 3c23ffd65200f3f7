#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "vm/exec/compiled_tier.hpp"

namespace sojourn::vm {

/// How guest code is run. The guest sees no difference.
enum class Engine : std::uint8_t {
    interp,     ///< interpreted
    jit,        ///< every function compiled when it is called first
    automatic,  ///< interpreted, and what is hot compiled in the background; "auto"
};

std::string_view text_of(Engine engine);
/// By its name. Errors: invalid_argument.
Result<Engine> parse_engine(std::string_view text);

/// What a machine needs for that engine: nothing for the interpreter. The compiler is a file of its
/// own, which takes milliseconds to load: `automatic` does it when the first thing is hot.
/// Errors: unsupported when it can't be loaded, or this build has none; not of `automatic`, which
/// then interprets. With a cache it need only be there: if all code is kept, it is not loaded.
Result<std::unique_ptr<CompiledTier>> open_tier(Engine engine,
                                                const BackgroundOptions& background = {},
                                                const CompilerOptions& compiler = {},
                                                std::unique_ptr<CodeCache> cache = nullptr);

/// The compiler's file. Errors: unsupported when this build has none.
Result<std::string> find_compiler();
/// A compiler for the thread that calls. Errors: unsupported when it can't be loaded, or this build
/// has none.
Result<std::unique_ptr<Compiler>> load_compiler(const CompilerOptions& options = {});

}  // namespace sojourn::vm
