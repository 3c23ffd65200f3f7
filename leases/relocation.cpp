#include "leases/relocation.hpp"

#include <algorithm>

namespace sojourn::leases {

namespace {

/// What is behind `directory` in a path below it, with its slash; nullopt when it is not below.
std::optional<std::string_view> rest_below(std::string_view path, std::string_view directory) {
    if (directory == "/") return path.starts_with('/') ? std::optional(path) : std::nullopt;
    if (!path.starts_with(directory) || path.size() == directory.size()) return std::nullopt;
    const std::string_view rest = path.substr(directory.size());
    return rest.front() == '/' ? std::optional(rest) : std::nullopt;
}

}  // namespace

bool concerns(const Mapping& mapping, std::string_view name) {
    if (name == mapping.from) return true;
    return mapping.moves_what_lies_below && rest_below(name, mapping.from).has_value();
}

Result<void> Relocation::add(Mapping mapping) {
    const auto present = std::ranges::find(mappings_, mapping.from, &Mapping::from);
    if (present == mappings_.end()) {
        mappings_.push_back(std::move(mapping));
        return {};
    }
    if (present->to == mapping.to) {
        present->moves_what_lies_below |= mapping.moves_what_lies_below;
        return {};
    }
    return fail(ErrorCode::invalid_argument, "{} can't be both {} and {}", mapping.from,
                present->to, mapping.to);
}

std::optional<std::string> Relocation::moved(std::string_view name) const {
    const Mapping* nearest = nullptr;
    for (const Mapping& mapping : mappings_) {
        const bool is_nearer = nearest == nullptr || mapping.from.size() > nearest->from.size();
        if (is_nearer && concerns(mapping, name)) nearest = &mapping;
    }
    if (nearest == nullptr) return std::nullopt;
    if (nearest->from == name) return nearest->to;
    const std::string above = nearest->to == "/" ? "" : nearest->to;
    return above + std::string(*rest_below(name, nearest->from));
}

std::optional<std::string> Relocation::moved_exactly(std::string_view name) const {
    const auto found = std::ranges::find(mappings_, name, &Mapping::from);
    return found == mappings_.end() ? std::nullopt : std::optional(found->to);
}

}  // namespace sojourn::leases
