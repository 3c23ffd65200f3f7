#include "vm/engine.hpp"

#include <dlfcn.h>

#include "base/companion_file.hpp"

namespace sojourn::vm {

namespace {

constexpr const char* kFile = "libsojourn-jit.so";

}  // namespace

Result<Engine> parse_engine(std::string_view text) {
    if (text == "interp") return Engine::interp;
    if (text == "jit") return Engine::jit;
    if (text == "auto") return Engine::automatic;
    return fail(ErrorCode::invalid_argument, "--engine {}: there are auto, interp and jit", text);
}

Result<std::unique_ptr<Compiler>> load_compiler(const CompilerOptions& options) {
    const std::string path = TRY(companion_file(kFile));
    void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        return fail(ErrorCode::unsupported,
                    "compiled code needs {}, which can't be loaded: {}; --engine=interp does "
                    "without",
                    path, ::dlerror());
    }
    using Make = Compiler* (*)(const CompilerOptions* options);
    const auto make = reinterpret_cast<Make>(::dlsym(library, "sojourn_make_compiler"));
    std::unique_ptr<Compiler> compiler(make == nullptr ? nullptr : make(&options));
    if (compiler) return compiler;
    return fail(ErrorCode::unsupported, "{} makes no code for this processor", path);
}

Result<std::unique_ptr<CompiledTier>> open_tier(Engine engine, const BackgroundOptions& background,
                                                const CompilerOptions& compiler) {
    if (engine == Engine::interp) return std::unique_ptr<CompiledTier>();
    if (engine == Engine::automatic) {
        return std::make_unique<CompiledTier>([compiler] { return load_compiler(compiler); },
                                              background);
    }
    return std::make_unique<CompiledTier>(TRY(load_compiler(compiler)));
}

}  // namespace sojourn::vm
