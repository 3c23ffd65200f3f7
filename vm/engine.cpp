#include "vm/engine.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

#include "base/companion_file.hpp"

namespace sojourn::vm {

namespace {

constexpr const char* kFile = "libsojourn-jit.so";
constexpr std::array<std::string_view, 3> kNames{"interp", "jit", "auto"};

Error missing(const std::string& path, std::string_view why) {
    return fail(ErrorCode::unsupported,
                "compiled code needs {}, which can't be loaded: {}; --engine=interp does without",
                path, why);
}

}  // namespace

std::string_view text_of(Engine engine) {
    return kNames[static_cast<std::size_t>(engine)];
}

Result<Engine> parse_engine(std::string_view text) {
    for (const Engine engine : {Engine::interp, Engine::jit, Engine::automatic}) {
        if (text == text_of(engine)) return engine;
    }
    return fail(ErrorCode::invalid_argument, "--engine {}: there are auto, interp and jit", text);
}

Result<std::string> find_compiler() {
    const std::string path = TRY(companion_file(kFile));
    if (::access(path.c_str(), R_OK) != 0) return missing(path, std::strerror(errno));
    return path;
}

Result<std::unique_ptr<Compiler>> load_compiler(const CompilerOptions& options) {
    const std::string path = TRY(find_compiler());
    void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return missing(path, ::dlerror());
    using Make = Compiler* (*)(const CompilerOptions* options);
    const auto make = reinterpret_cast<Make>(::dlsym(library, "sojourn_make_compiler"));
    std::unique_ptr<Compiler> compiler(make == nullptr ? nullptr : make(&options));
    if (compiler) return compiler;
    return fail(ErrorCode::unsupported, "{} makes no code for this processor", path);
}

Result<std::unique_ptr<CompiledTier>> open_tier(Engine engine, const BackgroundOptions& background,
                                                const CompilerOptions& compiler,
                                                std::unique_ptr<CodeCache> cache) {
    if (engine == Engine::interp) return std::unique_ptr<CompiledTier>();
    const auto load = [compiler] { return load_compiler(compiler); };
    if (engine == Engine::automatic)
        return std::make_unique<CompiledTier>(load, background, std::move(cache));
    // Loading it takes longer than many a program runs.
    TRY(find_compiler());
    if (cache == nullptr) TRY(load());
    return std::make_unique<CompiledTier>(load, std::move(cache));
}

}  // namespace sojourn::vm
