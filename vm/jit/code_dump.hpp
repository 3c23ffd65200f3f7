#pragma once

#include <string>

#include "vm/jit/onlooker.hpp"

namespace sojourn::vm::jit {

/// Writes what becomes of each function into files of a folder, named by its place; their first
/// line says whose they are. What can't be written is left out.
class CodeDump final : public Onlooker {
public:
    CodeDump(CompilerOptions::Dump dump, std::string folder)
        : dump_(dump), folder_(std::move(folder)) {}

    void emitted(const CompileUnit& unit, llvm::Module& module) override;
    void optimized(const CompileUnit& unit, const llvm::Module& module,
                   llvm::TargetMachine& target) override;

private:
    void write_ir(const CompileUnit& unit, const llvm::Module& module, const char* suffix) const;
    [[nodiscard]] std::string path(const CompileUnit& unit, const char* suffix) const;

    CompilerOptions::Dump dump_;
    std::string folder_;
};

}  // namespace sojourn::vm::jit
