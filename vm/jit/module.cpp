#include "vm/jit/llvm_compiler.hpp"

/// What is looked up by name when this is loaded.
extern "C" [[gnu::visibility("default")]] sojourn::vm::Compiler* sojourn_make_compiler(
    const sojourn::vm::CompilerOptions* options) {
    auto compiler = sojourn::vm::jit::make_llvm_compiler(*options);
    return compiler.ok() ? compiler->release() : nullptr;
}
