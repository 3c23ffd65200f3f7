#include "vm/jit/code_dump.hpp"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <fmt/format.h>

namespace sojourn::vm::jit {

namespace {

/// With a first line that says whose it is; `mark` begins a comment. LLVM ends the process for an
/// error that nobody has cleared.
class DumpFile {
public:
    DumpFile(const std::string& path, const char* mark, const CompileUnit& unit)
        : stream_(path, error_, llvm::sys::fs::OF_Text) {
        if (is_open()) stream_ << mark << ' ' << unit.name << '\n';
    }
    ~DumpFile() {
        if (is_open()) stream_.close();
        stream_.clear_error();
    }
    DumpFile(const DumpFile&) = delete;
    DumpFile& operator=(const DumpFile&) = delete;

    [[nodiscard]] bool is_open() const { return !error_; }
    llvm::raw_fd_ostream& stream() { return stream_; }

private:
    std::error_code error_;
    llvm::raw_fd_ostream stream_;
};

void write_assembly(const llvm::Module& module, llvm::TargetMachine& target,
                    llvm::raw_pwrite_stream& stream) {
    // Making code of it changes it.
    const auto copy = llvm::CloneModule(module);
    llvm::legacy::PassManager passes;
    const bool is_unknown =
        target.addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile);
    if (!is_unknown) passes.run(*copy);
}

}  // namespace

void CodeDump::emitted(const CompileUnit& unit, llvm::Module& module) {
    if (dump_ == CompilerOptions::Dump::ir) write_ir(unit, module, "emitted.ll");
}

void CodeDump::optimized(const CompileUnit& unit, const llvm::Module& module,
                         llvm::TargetMachine& target) {
    if (dump_ == CompilerOptions::Dump::ir) return write_ir(unit, module, "ll");
    DumpFile file(path(unit, "s"), "#", unit);
    if (file.is_open()) write_assembly(module, target, file.stream());
}

void CodeDump::write_ir(const CompileUnit& unit, const llvm::Module& module,
                        const char* suffix) const {
    DumpFile file(path(unit, suffix), ";", unit);
    if (file.is_open()) module.print(file.stream(), nullptr);
}

std::string CodeDump::path(const CompileUnit& unit, const char* suffix) const {
    return fmt::format("{}/{}.{}", folder_, unit.place, suffix);
}

}  // namespace sojourn::vm::jit
