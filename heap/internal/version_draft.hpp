#pragma once

#include <future>
#include <vector>

#include "heap/internal/fingerprint.hpp"
#include "store/family.hpp"

namespace sojourn::heap {

/// The next version while it is not published: encodes its units and writes them ahead, a
/// transaction's worth at a time, on another thread while the next ones are encoded. A unit that is
/// given twice is what it was given last. Borrows the family.
class VersionDraft {
public:
    /// With `fingerprints`, what was given is remembered: 32 bytes a unit.
    VersionDraft(store::Family& family, store::FencingToken token, store::Version version,
                 const Fingerprinter* fingerprints)
        : family_(family), token_(token), version_(version), fingerprints_(fingerprints) {}

    [[nodiscard]] store::Version version() const { return version_; }

    // The errors of all three are those of Family::stage(), perhaps of an earlier call's units.

    Result<void> add(store::UnitKey key, Bytes raw);
    /// All of it is staged when it returns: nothing is left to the publication.
    Result<void> flush();
    /// Nothing is being staged when it returns: what was not is rest().
    Result<void> settle();

    /// What has been encoded and not staged: the publication's share. Requires: settle().
    [[nodiscard]] std::span<const store::EncodedUnit> rest() const { return batch_; }
    /// Of all units so far.
    [[nodiscard]] std::uint64_t encoded_bytes() const { return encoded_bytes_; }

    struct Given {
        store::UnitKey key;
        Fingerprint fingerprint;
    };
    /// Each unit once, by key, as it was given last. Call once, at the end.
    std::vector<Given> take_given();

private:
    Result<void> stage_batch();

    store::Family& family_;
    const store::FencingToken token_;
    const store::Version version_;
    const Fingerprinter* const fingerprints_;
    std::vector<Given> given_;
    std::vector<store::EncodedUnit> batch_;
    std::uint64_t batch_bytes_ = 0;
    std::uint64_t encoded_bytes_ = 0;
    std::vector<store::EncodedUnit> staging_;
    std::future<Result<void>> staged_;  ///< of `staging_`; waited for when it is destroyed
};

}  // namespace sojourn::heap
