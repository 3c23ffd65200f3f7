#pragma once

#include "vm/exec/compiled.hpp"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace sojourn::vm::jit {

/// Is shown what becomes of a function, step by step. Borrows what it is shown, for the call.
class Onlooker {
public:
    virtual ~Onlooker() = default;
    /// As it was emitted. What is changed there is compiled.
    virtual void emitted(const CompileUnit& unit, llvm::Module& module) = 0;
    /// As code for `target` is made of it next.
    virtual void optimized(const CompileUnit& unit, const llvm::Module& module,
                           llvm::TargetMachine& target) = 0;
};

}  // namespace sojourn::vm::jit
