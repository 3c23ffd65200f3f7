#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "heap/internal/working_set.hpp"
#include "heap/types.hpp"

/// The heap's part of a checkpoint's attachment (docs/formats/heap.md).
namespace sojourn::heap {

struct RegionRow {  // on disk
    RegionId id;
    RegionKind kind;
    std::uint64_t size_bytes;
    std::uint64_t reserve_bytes;

    bool operator==(const RegionRow&) const = default;
};
static_assert(sizeof(RegionRow) == 24);
static_assert(std::has_unique_object_representations_v<RegionRow>);

struct RegionTable {
    std::uint32_t unit_bytes;
    std::vector<RegionRow> rows;  ///< row i has id i + 1
};

ByteVector encode_region_table(const RegionTable& table);

/// What commit() gives to the store.
ByteVector encode_attachment(Bytes region_table, const WorkingSet& working_set, Bytes rest);

struct DecodedAttachment {
    RegionTable table;
    WorkingSet working_set;
    Bytes rest;  ///< the caller's part; a view into the attachment
};

/// Trusts nothing. Errors: unsupported_format, corrupt.
Result<DecodedAttachment> decode_attachment(Bytes attachment);

}  // namespace sojourn::heap
