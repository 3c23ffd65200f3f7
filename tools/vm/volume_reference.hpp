#pragma once

#include <optional>
#include <string>

#include "leases/volume/volumes.hpp"
#include "process/reference.hpp"
#include "process/stored_volumes.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

/// What a person types to name a volume or something in it: `N[@ID]:NAME[/PATH]`.
struct VolumeReference {
    process::Reference process;
    std::string volume;  ///< empty: all of them
    std::string path;    ///< relative to the root, which is `.`

    /// `NAME:/PATH`, for people.
    [[nodiscard]] std::string text() const;
};

/// nullopt for a path of the host: what has no `:` in front of its first `/`.
/// Errors: invalid_argument.
Result<std::optional<VolumeReference>> parse_volume_reference(const std::string& text);

/// Errors: not_found, naming those there are.
Result<leases::Volume*> find_volume(leases::Volumes& volumes, const VolumeReference& reference);

/// The volumes of the checkpoint that is named, else of the newest. Errors: not_found.
Result<std::unique_ptr<process::StoredVolumes>> open_stored_volumes(
    const Invocation& invocation, store::Store& store, const VolumeReference& reference);

/// What a volume answered about something in it.
Error error_of(leases::Errno error, const std::string& what);

}  // namespace sojourn::tools
