#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "heap/types.hpp"

namespace sojourn::heap {

struct SavedRegion {
    RegionId id{0};
    RegionKind kind = RegionKind::memory;
    std::uint64_t size_bytes = 0;
};

/// The regions of a checkpoint, out of what the store keeps with it (Family::read_attachment).
/// Errors: corrupt, unsupported_format.
Result<std::vector<SavedRegion>> saved_regions(Bytes stored);

/// `memory`, `frames`
std::string_view text_of(RegionKind kind);

}  // namespace sojourn::heap
