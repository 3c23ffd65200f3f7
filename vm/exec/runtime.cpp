#include "vm/exec/runtime.hpp"

#include "vm/exec/compiled_tier.hpp"
#include "vm/exec/interpreter.hpp"
#include "vm/exec/translator.hpp"

namespace sojourn::vm {

std::vector<TypeId> TypeTable::add(const Module& module) {
    std::vector<TypeId> ids;
    for (std::uint32_t first = 0; first < module.types.size();) {
        const std::uint32_t count = module.types[first].group_count;
        const std::uint32_t same = module.first_same_type[first];
        if (same != first) {
            for (std::uint32_t i = 0; i < count; ++i)
                ids.push_back(ids[same + i]);
            first += count;
            continue;
        }
        const auto place = static_cast<std::uint32_t>(types_.size());
        for (std::uint32_t i = 0; i < count; ++i) {
            map_type_indices(
                types_.emplace_back(module.types[first + i]), [&](std::uint32_t index) {
                    return index < first ? index_of(ids[index]) : place + (index - first);
                });
        }
        const std::uint32_t found = groups_.find_or_add(std::span(types_).subspan(place), place);
        if (found != place) types_.resize(place);
        for (std::uint32_t i = 0; i < count; ++i)
            ids.push_back(TypeId{found + i});
        first += count;
    }
    return ids;
}

bool TypeTable::results_fit(TypeId type, TypeId wanted) const {
    return all_fit(types_, types_[index_of(type)].function.results,
                   types_[index_of(wanted)].function.results);
}

ValueType machine_type(ValueType type, const std::vector<TypeId>& type_ids) {
    return with_type_index(
        type, [&](std::uint32_t index) { return static_cast<std::uint32_t>(type_ids[index]); });
}

Result<void> translate_once(Runtime& runtime, LinkedFunction& function) {
    if (function.translation) return {};
    const Function body =
        TRY(validated_function(*function.instance->module, function.identity.function_index));
    function.translation =
        std::make_unique<Translation>(translate(runtime, *function.instance, body));
    function.entry = function.translation->entry();
    if (runtime.tier != nullptr) {
        function.entry = stub(Handler::count_call);
        function.calls_left = runtime.tier->patience(*function.instance->module, body.body_offset);
    }
    function.entry_offset = body.code_offset;
    function.zeroed_slots = body.local_slots - function.parameter_slots;
    function.slot_bytes_max = (body.local_slots + body.operand_slots_max) *
                              static_cast<std::uint32_t>(sizeof(std::uint64_t));
    return {};
}

}  // namespace sojourn::vm
