#include "heap/internal/region_table.hpp"

#include "heap/heap.hpp"

namespace sojourn::heap {

namespace {

constexpr std::uint32_t kMagic = 0x50484A53;  // "SJHP"
constexpr std::uint32_t kFormat = 2;
constexpr std::uint64_t kReserveBytesMax = std::uint64_t{1} << 46U;  // half of a process's space

bool is_known(RegionKind kind) {
    switch (kind) {
        case RegionKind::memory:
        case RegionKind::table:
        case RegionKind::globals:
        case RegionKind::slots:
        case RegionKind::frames:
        case RegionKind::volume:
            return true;
    }
    return false;
}

Result<void> check_row(const RegionRow& row, std::size_t index) {
    const bool holds = row.id == RegionId{static_cast<std::uint32_t>(index + 1)} &&
                       is_known(row.kind) && row.size_bytes % kPageBytes == 0 &&
                       row.reserve_bytes % kPageBytes == 0 && row.size_bytes <= row.reserve_bytes &&
                       row.reserve_bytes <= kReserveBytesMax;
    if (holds) return {};
    return fail(ErrorCode::corrupt, "the region table's row {} (id {}, kind {}, {} of {} bytes)",
                index, static_cast<std::uint32_t>(row.id), static_cast<std::uint32_t>(row.kind),
                row.size_bytes, row.reserve_bytes);
}

}  // namespace

ByteVector encode_region_table(const RegionTable& table) {
    ByteWriter writer;
    writer.put(kMagic);
    writer.put(kFormat);
    writer.put(table.unit_bytes);
    writer.put(static_cast<std::uint32_t>(table.rows.size()));
    for (const RegionRow& row : table.rows)
        writer.put(row);
    return writer.take();
}

ByteVector encode_attachment(Bytes region_table, const WorkingSet& working_set, Bytes rest) {
    ByteWriter writer;
    writer.put_bytes(region_table);
    encode_working_set(working_set, writer);
    writer.put_bytes(rest);
    return writer.take();
}

Result<DecodedAttachment> decode_attachment(Bytes attachment) {
    ByteReader reader(attachment, "the heap's region table");
    if (TRY(reader.get<std::uint32_t>()) != kMagic) {
        return fail(ErrorCode::corrupt, "the checkpoint's attachment is not that of a heap");
    }
    if (const auto format = TRY(reader.get<std::uint32_t>()); format != kFormat) {
        return fail(ErrorCode::unsupported_format, "heap format {}, this build reads {}", format,
                    kFormat);
    }
    DecodedAttachment decoded;
    decoded.table.unit_bytes = TRY(reader.get<std::uint32_t>());
    const std::uint32_t count = TRY(reader.get_count(sizeof(RegionRow)));
    decoded.table.rows.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto row = TRY(reader.get<RegionRow>());
        TRY(check_row(row, i));
        decoded.table.rows.push_back(row);
    }
    decoded.working_set = TRY(decode_working_set(reader));
    decoded.rest = attachment.subspan(reader.position());
    return decoded;
}

Result<Bytes> committed_attachment(Bytes stored) {
    const DecodedAttachment decoded = TRY(decode_attachment(stored));
    return decoded.rest;
}

}  // namespace sojourn::heap
