#pragma once

#include <algorithm>

#include "store/image.hpp"

/// Images in memory, written to and read from as a file would be.
namespace sojourn::tests {

inline store::ByteSink into(ByteVector& image) {
    return [&image](Bytes bytes) -> Result<void> {
        image.insert(image.end(), bytes.begin(), bytes.end());
        return {};
    };
}

/// Gives the image in pieces that fit nothing. Borrows it.
inline store::ByteSource out_of(Bytes image) {
    return [image](MutableBytes out) mutable -> Result<std::size_t> {
        const std::size_t count = std::min({out.size(), image.size(), std::size_t{1013}});
        std::ranges::copy(image.first(count), out.begin());
        image = image.subspan(count);
        return count;
    };
}

}  // namespace sojourn::tests
