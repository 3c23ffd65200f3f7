#pragma once

#include <optional>
#include <vector>

#include "store/internal/unit_table.hpp"

namespace sojourn::store {

/// Which value of each unit a view sees, by the lists of what the versions wrote. The keys of
/// `pages` say it a second time, and LMDB checks nothing: where a bit of a key or of a page that
/// leads to it has flipped, an older value, or none, would be found without a word.
class ViewIndex {
public:
    struct Place {
        BranchId branch = kNoBranch;
        Version version = kNoVersion;

        bool operator==(const Place&) const = default;
    };
    /// Units next to each other whose values are of one version.
    struct Run {
        RegionId region{0};
        std::uint64_t first = 0;
        std::uint64_t count = 0;
        Place place;
    };

    /// Errors: corrupt, when the lists are damaged.
    static Result<ViewIndex> of(const Transaction& transaction, View view);

    [[nodiscard]] View view() const { return view_; }
    [[nodiscard]] std::uint64_t unit_count() const { return unit_count_; }

    /// nullopt: never written. Allocates nothing.
    [[nodiscard]] std::optional<Place> find(UnitKey unit) const;

    /// Whether `view` is the index's own, or one that grew out of it on the same branch.
    [[nodiscard]] bool covers(View view) const {
        return view.branch == view_.branch && view.version >= view_.version;
    }

    /// The runs of units that this view sees otherwise than `other`, by region and first unit; of
    /// no place where only `other` has a value.
    [[nodiscard]] std::vector<Run> differences_from(const ViewIndex& other) const;

    /// That `found` is what a view that is covered sees of `unit`, unless it is newer than the
    /// index can tell. Allocates nothing unless it fails. Errors: corrupt.
    [[nodiscard]] Result<void> expect(UnitKey unit, std::optional<Place> found) const;

private:
    ViewIndex(View view, std::vector<Run> runs);

    View view_;
    std::vector<Run> runs_;  ///< by region and first unit, without overlaps
    std::uint64_t unit_count_ = 0;
};

/// Where a value was found.
inline std::optional<ViewIndex::Place> place_of(const std::optional<StoredUnit>& stored) {
    if (!stored) return std::nullopt;
    return ViewIndex::Place{stored->at.branch, stored->at.version};
}

}  // namespace sojourn::store
