#include "store/internal/checksum.hpp"
#include "store/unit_codec.hpp"
#include "tests/fuzz/seeds.hpp"

namespace sojourn::fuzz {

using namespace store;

namespace {

constexpr UnitKey kKey{RegionId{3}, UnitIndex{7}};
constexpr std::size_t kUnitBytes = kUnitBytesDefault;

/// `value` with the checksum that fits it: a stranger can make one, too.
ByteVector sealed(ByteVector value) {
    const std::uint64_t key[] = {3, 7};
    constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);
    if (value.size() < kChecksumBytes) return value;
    const std::uint64_t checksum = checksum_of(Bytes(value).subspan(kChecksumBytes),
                                               checksum_of(std::as_bytes(std::span(key))));
    std::memcpy(value.data(), &checksum, kChecksumBytes);
    return value;
}

}  // namespace

Seeds seeds_of_unit() {
    ByteVector text(kUnitBytes);
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<std::byte>(i % 97);
    ByteVector noise(kUnitBytes);
    for (std::uint32_t i = 0, state = 1; i < noise.size(); ++i)
        noise[i] = static_cast<std::byte>((state = state * 1664525U + 1013904223U) >> 24U);
    return {encode_unit(kKey, text).value, encode_unit(kKey, noise).value,
            encode_unit(kKey, ByteVector(kUnitBytes)).value};
}

void run_unit(Bytes input) {
    static ByteVector out(kUnitBytes);
    static_cast<void>(decode_unit(kKey, input, out));
    const ByteVector forged = sealed(to_vector(input));
    if (!decode_unit(kKey, forged, out).ok()) return;
    const EncodedUnit again = encode_unit(kKey, out);
    ByteVector twice(kUnitBytes);
    EXPECTS(decode_unit(kKey, again.value, twice).ok() && twice == out,
            "what was decoded can be encoded");
}

}  // namespace sojourn::fuzz
