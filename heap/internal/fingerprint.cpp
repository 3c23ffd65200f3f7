#include "heap/internal/fingerprint.hpp"

#include <array>

#include "store/types.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sojourn::heap {

namespace {

Fingerprint xxh3_of(Bytes bytes) {
    const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
    return {hash.low64, hash.high64};
}

Fingerprint fingerprint_of_zeros(std::uint64_t unit_bytes) {
    static constexpr std::array<std::byte, store::kUnitBytesMax> kZeros{};
    return xxh3_of(Bytes(kZeros).first(unit_bytes));
}

}  // namespace

Fingerprinter::Fingerprinter(std::uint64_t unit_bytes) : zeros_(fingerprint_of_zeros(unit_bytes)) {}

Fingerprint Fingerprinter::operator()(Bytes unit) const {
    const Fingerprint raw = xxh3_of(unit);
    return {raw.low ^ zeros_.low, raw.high ^ zeros_.high};
}

}  // namespace sojourn::heap
