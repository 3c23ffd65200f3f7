#include "vm/exec/compiled_tier.hpp"

#include "base/trace.hpp"

namespace sojourn::vm {

const CompiledCode& CompiledTier::code(const Module& module, std::uint32_t function_index,
                                       std::uint32_t loop_offset) {
    const auto [found, is_new] = codes_.try_emplace({module.digest(), function_index, loop_offset});
    if (!is_new) return found->second;
    const auto function = validated_function(module, function_index);
    INVARIANT(function.ok(), "only a function that was translated is compiled");
    found->second = compiler_->compile({module, *function, function_index, loop_offset});
    TRACE(vm, "compiled", function_index, loop_offset, found->second.refusal);
    return found->second;
}

std::map<std::string, std::uint64_t> CompiledTier::counts() const {
    std::map<std::string, std::uint64_t> counts;
    for (const auto& [key, code] : codes_)
        ++counts[code.entry != nullptr ? "compiled" : "interpreted: " + code.refusal];
    return counts;
}

}  // namespace sojourn::vm
