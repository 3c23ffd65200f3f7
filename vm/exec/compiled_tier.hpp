#pragma once

#include <map>
#include <memory>
#include <tuple>

#include "vm/exec/compiled.hpp"

namespace sojourn::vm {

/// Compiled code of all modules that a host process runs. It outlives the machines: one that comes
/// back finds the code that was made in its former life.
class CompiledTier {
public:
    explicit CompiledTier(std::unique_ptr<Compiler> compiler) : compiler_(std::move(compiler)) {}

    /// Code for a function from its beginning, or, with an offset, from that loop on; compiled now
    /// unless that has happened. Requires: the function is not imported, its body is valid.
    const CompiledCode& code(const Module& module, std::uint32_t function_index,
                             std::uint32_t loop_offset);

    /// How many functions and loops were compiled, and how many were left to the interpreter for
    /// which reason.
    [[nodiscard]] std::map<std::string, std::uint64_t> counts() const;

private:
    using Key = std::tuple<Sha256, std::uint32_t, std::uint32_t>;

    std::unique_ptr<Compiler> compiler_;
    std::map<Key, CompiledCode> codes_;
};

}  // namespace sojourn::vm
