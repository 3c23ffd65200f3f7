#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.hpp"

/// XXH3: finds accidents, not attackers.
namespace sojourn::store {

std::uint64_t checksum_of(Bytes bytes, std::uint64_t seed = 0);

/// The two halves of an XXH3-128, low one first.
using StreamDigest = std::array<std::uint64_t, 2>;

/// XXH3-128 of a stream that passes by in pieces.
class StreamChecksum {
public:
    StreamChecksum();
    ~StreamChecksum();

    void add(Bytes bytes);
    [[nodiscard]] StreamDigest digest() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sojourn::store
