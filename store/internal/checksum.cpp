#include "store/internal/checksum.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sojourn::store {

std::uint64_t checksum_of(Bytes bytes, std::uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace sojourn::store
