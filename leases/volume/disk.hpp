#pragma once

#include "base/bytes.hpp"
#include "leases/service.hpp"

namespace sojourn::leases {

/// What a volume lies on: bytes that are saved, branched and shipped with their process. Whoever
/// implements it keeps them in the process's heap, so that they are of the same moment as its
/// memory.
///
/// Used by the guest's thread alone. Ranges lie within size_bytes(). Errors: io when bytes cannot
/// be had from the store.
class Disk {
public:
    virtual ~Disk() = default;

    [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;
    /// How far grow() can go.
    [[nodiscard]] virtual std::uint64_t size_bytes_max() const = 0;
    /// Makes it longer, by zeros. Requires: whole pages, no less than now and at most the limit.
    /// Errors: also nospc.
    virtual Answer<void> grow(std::uint64_t size_bytes) = 0;

    virtual Answer<void> read(std::uint64_t offset, MutableBytes out) const = 0;
    virtual Answer<void> write(std::uint64_t offset, Bytes bytes) = 0;
    /// Makes zeros of it, which take no room in the store.
    virtual Answer<void> clear(std::uint64_t offset, std::uint64_t length) = 0;
};

}  // namespace sojourn::leases
