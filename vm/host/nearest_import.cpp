#include "vm/host/internal/nearest_import.hpp"

#include <algorithm>
#include <vector>

#include <fmt/ranges.h>

#include "base/edit_distance.hpp"

namespace sojourn::vm {

namespace {

constexpr std::size_t kNameBytesMax = 64;  // a hostile name must not cost time

std::string text_of(const std::vector<ValueType>& types) {
    std::vector<std::string> names;
    for (const ValueType type : types)
        names.push_back(text_of(type));
    return fmt::format("({})", fmt::join(names, " "));
}

}  // namespace

std::string nearest_import(std::span<const ProvidedImport> provided, std::string_view module,
                           std::string_view name) {
    if (name.size() > kNameBytesMax) return {};
    const ProvidedImport* nearest = nullptr;
    std::size_t least = std::max<std::size_t>(name.size() / 3, 1) + 1;
    for (const ProvidedImport& candidate : provided) {
        if (candidate.module == module && candidate.name == name) {
            return fmt::format("its type is {} -> {}", text_of(candidate.type.parameters),
                               text_of(candidate.type.results));
        }
        const std::size_t distance = edit_distance(name, candidate.name);
        if (distance >= least) continue;
        least = distance;
        nearest = &candidate;
    }
    if (nearest == nullptr) return {};
    return fmt::format("nearest is \"{}\" \"{}\"", nearest->module, nearest->name);
}

}  // namespace sojourn::vm
