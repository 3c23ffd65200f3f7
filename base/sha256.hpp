#pragma once

#include <array>
#include <compare>
#include <string>

#include "base/bytes.hpp"

namespace sojourn {

/// A SHA-256 digest (FIPS 180-4): the name of a module, and of whatever is shared by content.
struct Sha256 {
    std::array<std::byte, 32> bytes{};

    auto operator<=>(const Sha256&) const = default;
    [[nodiscard]] std::string hex() const { return to_hex(bytes); }
};

Sha256 sha256_of(Bytes bytes);

}  // namespace sojourn
