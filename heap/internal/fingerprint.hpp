#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace sojourn::heap {

/// The two halves of a unit's XXH3-128, told apart from a unit of zeros: that one has {0, 0}.
struct Fingerprint {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    bool operator==(const Fingerprint&) const = default;
};

/// Takes fingerprints of units of one size. Usable from any thread and from the fault handler.
class Fingerprinter {
public:
    explicit Fingerprinter(std::uint64_t unit_bytes);

    [[nodiscard]] Fingerprint operator()(Bytes unit) const;

private:
    Fingerprint zeros_;
};

}  // namespace sojourn::heap
