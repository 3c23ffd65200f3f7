#include "store/internal/checksum.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sojourn::store {

std::uint64_t checksum_of(Bytes bytes, std::uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

struct StreamChecksum::State {
    XXH3_state_t raw;
};

StreamChecksum::StreamChecksum() : state_(std::make_unique<State>()) {
    XXH3_128bits_reset(&state_->raw);
}

StreamChecksum::~StreamChecksum() = default;

void StreamChecksum::add(Bytes bytes) {
    XXH3_128bits_update(&state_->raw, bytes.data(), bytes.size());
}

StreamDigest StreamChecksum::digest() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(&state_->raw);
    return {hash.low64, hash.high64};
}

}  // namespace sojourn::store
