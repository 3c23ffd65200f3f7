#pragma once

#include "store/family.hpp"

namespace sojourn::heap {

/// Encodes units and writes them ahead of a publication, some transactions' worth at a time.
/// Borrows the family.
class UnitWriter {
public:
    UnitWriter(store::Family& family, store::FencingToken token, store::Version version)
        : family_(family), token_(token), version_(version) {}

    /// Requires: keys ascend. Errors: as Family::stage().
    Result<void> add(store::UnitKey key, Bytes raw);

    /// What has been encoded and not staged: the publication's share.
    [[nodiscard]] std::span<const store::EncodedUnit> rest() const { return batch_; }
    /// Of all units so far.
    [[nodiscard]] std::uint64_t encoded_bytes() const { return encoded_bytes_; }

private:
    store::Family& family_;
    const store::FencingToken token_;
    const store::Version version_;
    std::vector<store::EncodedUnit> batch_;
    std::uint64_t batch_bytes_ = 0;
    std::uint64_t encoded_bytes_ = 0;
};

}  // namespace sojourn::heap
