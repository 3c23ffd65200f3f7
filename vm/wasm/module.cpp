#include "vm/wasm/module.hpp"

#include <algorithm>

namespace sojourn::vm {

std::string_view text_of(ExternKind kind) {
    switch (kind) {
        case ExternKind::function:
            return "function";
        case ExternKind::table:
            return "table";
        case ExternKind::memory:
            return "memory";
        case ExternKind::global:
            return "global";
        case ExternKind::tag:
            return "tag";
    }
    return "unknown kind";
}

std::uint64_t MemoryType::pages_max() const {
    const std::uint64_t limit = is_64_bit() ? kMemory64PagesMax : kMemoryPagesMax;
    return std::min(limits.max.value_or(limit), limit);
}

const Sha256& Module::digest() const {
    std::call_once(is_digest_known_, [this] { digest_ = sha256_of(bytes); });
    return digest_;
}

ValueType reference_to_function(const Module& module, std::uint32_t function_index) {
    const std::uint32_t type_index = module.functions[function_index].type_index;
    return reference_to_type(module.first_same_type[type_index], false);
}

const Export* Module::find_export(std::string_view name) const {
    const auto found = std::ranges::find(exports, name, &Export::name);
    return found == exports.end() ? nullptr : &*found;
}

std::string Module::function_name(std::uint32_t index) const {
    const auto named = std::ranges::lower_bound(function_names, index, {},
                                                &std::pair<std::uint32_t, std::string>::first);
    if (named != function_names.end() && named->first == index) return named->second;
    for (const Export& exported : exports) {
        if (exported.kind == ExternKind::function && exported.index == index) return exported.name;
    }
    return fmt::format("func[{}]", index);
}

}  // namespace sojourn::vm
