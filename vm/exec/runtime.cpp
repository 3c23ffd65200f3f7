#include "vm/exec/runtime.hpp"

#include <tuple>

#include "vm/exec/translator.hpp"

namespace sojourn::vm {

bool TypeTable::Less::operator()(const FunctionType& left, const FunctionType& right) const {
    return std::tie(left.parameters, left.results) < std::tie(right.parameters, right.results);
}

TypeId TypeTable::id_of(const FunctionType& type) {
    const auto next = static_cast<TypeId>(ids_.size());
    const auto [found, is_new] = ids_.try_emplace(type, next);
    if (is_new) types_.push_back(&found->first);
    return found->second;
}

void translate_once(Runtime& runtime, LinkedFunction& function) {
    if (function.translation) return;
    function.translation = std::make_unique<Translation>(
        translate(runtime, *function.instance, function.identity.function_index));
    function.entry = function.translation->entry();
}

}  // namespace sojourn::vm
