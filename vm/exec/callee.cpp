#include "vm/exec/callee.hpp"

#include <algorithm>

namespace sojourn::vm {

namespace {

/// A table may be as long as it likes; what is known of it takes half a megabyte at most.
constexpr std::uint32_t kKnownElementsMax = 1U << 16U;

void keep_in_mind(Table& table, std::uint64_t element, LinkedFunction& callee) {
    if (element >= kKnownElementsMax) return;
    if (element >= table.known_callees.size())
        table.known_callees.resize(std::min(table.size, kKnownElementsMax));
    table.known_callees[element] = &callee;
}

}  // namespace

FoundCallee find_element_callee(const Runtime& runtime, Table& table, std::uint64_t element,
                                TypeId type) {
    if (element >= table.size) return {nullptr, Trap::undefined_element};
    const Reference reference = table.elements()[element];
    if (reference == kNullReference) return {nullptr, Trap::uninitialized_element};
    LinkedFunction* const callee = runtime.function(reference);
    if (callee == nullptr) return {nullptr, Trap::undefined_element};
    if (callee->type != type && !runtime.types.is_subtype(callee->type, type)) {
        return {nullptr, Trap::indirect_type_mismatch};
    }
    keep_in_mind(table, element, *callee);
    return {callee, {}};
}

}  // namespace sojourn::vm
