#include "store/internal/blob.hpp"

#include <zstd.h>

#include "store/internal/checksum.hpp"

namespace sojourn::store {

namespace {

constexpr int kCompressionLevel = 1;
constexpr std::size_t kChecksumBytes = 8;

Error damaged(std::string_view subject, const char* how) {
    return fail(ErrorCode::corrupt, "{} is damaged: {}", subject, how);
}

}  // namespace

ByteVector seal(Bytes record) {
    ByteWriter writer;
    writer.put_bytes(record);
    writer.put(checksum_of(record));
    return writer.take();
}

Result<Bytes> unseal(Bytes sealed, std::string_view subject) {
    if (sealed.size() < kChecksumBytes) return damaged(subject, "it is cut short");
    const Bytes record = sealed.first(sealed.size() - kChecksumBytes);
    std::uint64_t checksum = 0;
    std::memcpy(&checksum, sealed.data() + record.size(), kChecksumBytes);
    if (checksum != checksum_of(record)) return damaged(subject, "its checksum does not match");
    return record;
}

ByteVector encode_blob(Bytes raw) {
    EXPECTS(raw.size() <= kBlobBytesMax, "a blob has a largest size");
    ByteVector record(sizeof(std::uint64_t) + ZSTD_compressBound(raw.size()));
    const std::uint64_t raw_bytes = raw.size();
    std::memcpy(record.data(), &raw_bytes, sizeof raw_bytes);
    const std::size_t size =
        ZSTD_compress(record.data() + sizeof raw_bytes, record.size() - sizeof raw_bytes,
                      raw.data(), raw.size(), kCompressionLevel);
    INVARIANT(ZSTD_isError(size) == 0, "a buffer of the bound's size takes any compressed bytes");
    record.resize(sizeof raw_bytes + size);
    return seal(record);
}

Result<ByteVector> decode_blob(Bytes value, std::string_view subject) {
    ByteReader reader(TRY(unseal(value, subject)), subject);
    const auto raw_bytes = TRY(reader.get<std::uint64_t>());
    if (raw_bytes > kBlobBytesMax) return damaged(subject, "it claims an impossible size");
    const Bytes frame = TRY(reader.get_bytes(reader.left()));
    ByteVector raw(raw_bytes);
    if (ZSTD_decompress(raw.data(), raw.size(), frame.data(), frame.size()) != raw_bytes) {
        return damaged(subject, "it does not decompress to its size");
    }
    return raw;
}

}  // namespace sojourn::store
