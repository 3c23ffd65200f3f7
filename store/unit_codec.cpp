#include "store/unit_codec.hpp"

#include <algorithm>
#include <memory>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "base/thread_buffer.hpp"
#include "store/internal/checksum.hpp"
#include "store/internal/unit_check.hpp"

namespace sojourn::store {

namespace {

enum class Encoding : std::uint8_t { zero = 0, raw = 1, zstd = 2 };

constexpr int kCompressionLevel = 1;
/// Of level 1's table for 16 KiB a quarter: values grow by 0.3 %, and what a thread keeps for
/// compressing shrinks from 213 to 117 KiB.
constexpr int kHashLog = 13;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kHeaderBytes = kChecksumBytes + 1;
static_assert(kUnitValueBytesMax == kUnitBytesMax + kHeaderBytes);

std::uint64_t seed_of(UnitKey key) {
    const std::array<std::uint64_t, 2> words{static_cast<std::uint64_t>(key.region),
                                             static_cast<std::uint64_t>(key.unit)};
    return checksum_of(std::as_bytes(std::span(words)));
}

bool is_zero(Bytes bytes) {
    // A byte string is zero when it starts with a zero and equals itself shifted by one.
    return bytes.empty() || (bytes[0] == std::byte{0} &&
                             std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

struct FreeCompressor {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

std::unique_ptr<ZSTD_CCtx, FreeCompressor> make_compressor() {
    std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
    INVARIANT(context != nullptr, "a compression context fits into memory");
    const bool is_set =
        ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel,
                                            kCompressionLevel)) == 0 &&
        ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_hashLog, kHashLog)) == 0;
    INVARIANT(is_set, "the parameters are in their ranges");
    return context;
}

ZSTD_CCtx* compressor() {
    thread_local const auto context = make_compressor();
    return context.get();
}

constexpr std::size_t kWorkspaceBytes = 192 * 1024;

/// The fault handler that decodes must not call the allocator.
ZSTD_DCtx* decompressor() {
    static const ThreadBuffer workspaces(kWorkspaceBytes);
    thread_local ZSTD_DCtx* context = nullptr;
    if (context == nullptr) {
        context = ZSTD_initStaticDCtx(workspaces.get().data(), kWorkspaceBytes);
        INVARIANT(context != nullptr, "the workspace is as large as zstd wants it");
    }
    return context;
}

Error damaged(UnitKey key, const char* how) {
    return fail(ErrorCode::corrupt, "unit {} of region {} is damaged: {}",
                static_cast<std::uint64_t>(key.unit), static_cast<std::uint32_t>(key.region), how);
}

/// Leaves `value` longer than the header only when an eighth is saved: below that, copying is
/// quicker than decoding and takes as many database pages.
bool compress_into(ByteVector& value, Bytes raw) {
    const std::size_t limit = raw.size() - raw.size() / 8;
    value.resize(kHeaderBytes + ZSTD_compressBound(raw.size()));
    const std::size_t size = ZSTD_compress2(compressor(), value.data() + kHeaderBytes,
                                            value.size() - kHeaderBytes, raw.data(), raw.size());
    const bool worth_it = ZSTD_isError(size) == 0 && size <= limit;
    value.resize(kHeaderBytes + (worth_it ? size : 0));
    return worth_it;
}

}  // namespace

EncodedUnit encode_unit(UnitKey key, Bytes raw) {
    EXPECTS(raw.size() <= kUnitBytesMax, "a unit has a largest size");
    ByteVector value(kHeaderBytes);
    Encoding encoding = Encoding::zero;
    if (!is_zero(raw)) {
        encoding = compress_into(value, raw) ? Encoding::zstd : Encoding::raw;
        if (encoding == Encoding::raw) value.insert(value.end(), raw.begin(), raw.end());
    }
    value[kChecksumBytes] = static_cast<std::byte>(encoding);
    const std::uint64_t checksum = checksum_of(Bytes(value).subspan(kChecksumBytes), seed_of(key));
    std::memcpy(value.data(), &checksum, kChecksumBytes);
    // Units wait in memory to be written: what the compressor's bound reserved is given back.
    value.shrink_to_fit();
    return {key, std::move(value)};
}

Result<void> check_unit(UnitKey key, Bytes value) {
    if (value.size() < kHeaderBytes) return damaged(key, "it is cut short");
    std::uint64_t checksum = 0;
    std::memcpy(&checksum, value.data(), kChecksumBytes);
    if (checksum_of(value.subspan(kChecksumBytes), seed_of(key)) == checksum) return {};
    return damaged(key, "its checksum does not match");
}

Result<void> decode_unit(UnitKey key, Bytes value, MutableBytes out) {
    TRY(check_unit(key, value));
    const Bytes payload = value.subspan(kHeaderBytes);
    switch (static_cast<Encoding>(value[kChecksumBytes])) {
        case Encoding::zero:
            if (!payload.empty()) return damaged(key, "a zero unit has a payload");
            std::ranges::fill(out, std::byte{0});
            return {};
        case Encoding::raw:
            if (payload.size() != out.size()) return damaged(key, "it has another size");
            std::ranges::copy(payload, out.begin());
            return {};
        case Encoding::zstd:
            if (ZSTD_decompressDCtx(decompressor(), out.data(), out.size(), payload.data(),
                                    payload.size()) != out.size()) {
                return damaged(key, "it does not decompress to its size");
            }
            return {};
    }
    return damaged(key, "its encoding is unknown");
}

}  // namespace sojourn::store
