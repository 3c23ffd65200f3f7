#include "heap/saved_regions.hpp"

#include "heap/internal/region_table.hpp"

namespace sojourn::heap {

Result<std::vector<SavedRegion>> saved_regions(Bytes stored) {
    const auto attachment = TRY(decode_attachment(stored));
    std::vector<SavedRegion> regions;
    for (const RegionRow& row : attachment.table.rows)
        regions.push_back({row.id, row.kind, row.size_bytes});
    return regions;
}

std::string_view text_of(RegionKind kind) {
    switch (kind) {
        case RegionKind::memory:
            return "memory";
        case RegionKind::table:
            return "table";
        case RegionKind::globals:
            return "globals";
        case RegionKind::slots:
            return "slots";
        case RegionKind::frames:
            return "frames";
        case RegionKind::volume:
            return "volume";
    }
    return "unknown";
}

}  // namespace sojourn::heap
