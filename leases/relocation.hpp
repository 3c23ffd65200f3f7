#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sojourn::leases {

/// What a process knows by one name is called otherwise here: absolute paths, or numeric
/// addresses.
struct Mapping {
    std::string from;
    std::string to;
    bool moves_what_lies_below = true;  ///< of paths
};

/// Names of one host as names of another.
class Relocation {
public:
    /// Errors: invalid_argument when `from` is moved to somewhere else already.
    Result<void> add(Mapping mapping);

    /// The new name, by the mapping of `name` or else of the nearest directory above it; nullopt
    /// when it stays as it is.
    [[nodiscard]] std::optional<std::string> moved(std::string_view name) const;
    /// By a mapping of this very name.
    [[nodiscard]] std::optional<std::string> moved_exactly(std::string_view name) const;

private:
    std::vector<Mapping> mappings_;
};

/// Whether `mapping` is about `name`.
bool concerns(const Mapping& mapping, std::string_view name);

}  // namespace sojourn::leases
