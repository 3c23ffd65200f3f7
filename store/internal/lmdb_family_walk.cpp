#include "store/internal/lmdb_family.hpp"
#include "store/internal/page_survey.hpp"
#include "store/internal/unit_table.hpp"
#include "store/internal/view_index.hpp"

/// The parts of LmdbFamily that go through many units. They read in pieces, as a long transaction
/// would keep a writer from reusing pages.
namespace sojourn::store {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

/// A view stays readable while its checkpoint is there; the empty view always is.
Result<void> expect_readable(const Transaction& transaction, View view) {
    if (view.version == kNoVersion) return {};
    const auto info = read_checkpoint(transaction, view.version);
    if (info.ok()) return {};
    return info.error();
}

struct Piece {
    std::vector<EncodedUnit> units;
    std::optional<UnitKey> next;  ///< where the next piece begins; nullopt at the end
};

UnitKey key_behind(UnitKey key) {
    if (plain(key.unit) == UINT64_MAX) return {RegionId(plain(key.region) + 1), UnitIndex{0}};
    return {key.region, next(key.unit)};
}

Result<ViewIndex> index_of_view(const Environment& environment, View view) {
    const auto transaction = TRY(environment.read());
    TRY(expect_readable(transaction, view));
    return ViewIndex::of(transaction, view);
}

Result<Piece> read_piece(const Environment& environment, const ViewIndex& index, View view,
                         UnitKey from) {
    const auto transaction = TRY(environment.read());
    TRY(expect_readable(transaction, view));
    Cursor cursor = transaction.hot_cursor();
    Piece piece;
    piece.next = from;
    for (std::size_t bytes = 0; bytes < kPieceBytes;) {
        piece.next = TRY(next_unit(transaction, cursor, view, *piece.next));
        if (!piece.next) break;
        const UnitKey key = *piece.next;
        piece.next = key_behind(key);
        const auto stored = TRY(find_unit(transaction, cursor, view, key));
        TRY(index.expect(key, place_of(stored)));
        if (!stored) continue;
        const Bytes value = TRY(stored->joined(transaction.scratch()));
        piece.units.push_back({key, ByteVector(value.begin(), value.end())});
        bytes += value.size();
    }
    return piece;
}

/// The units of runs, one after the other.
class RunWalk {
public:
    explicit RunWalk(std::vector<ViewIndex::Run> runs) : runs_(std::move(runs)) {}

    [[nodiscard]] std::optional<UnitKey> next() {
        while (at_ < runs_.size() && offset_ == runs_[at_].count) {
            ++at_;
            offset_ = 0;
        }
        if (at_ == runs_.size()) return std::nullopt;
        return UnitKey{runs_[at_].region, UnitIndex{runs_[at_].first + offset_++}};
    }

private:
    std::vector<ViewIndex::Run> runs_;
    std::size_t at_ = 0;
    std::uint64_t offset_ = 0;
};

/// The next units of `walk` as `view` sees them; none at its end.
Result<std::vector<EncodedUnit>> read_next(const Environment& environment, const ViewIndex& index,
                                           View view, RunWalk& walk) {
    const auto transaction = TRY(environment.read());
    TRY(expect_readable(transaction, view));
    Cursor cursor = transaction.hot_cursor();
    std::vector<EncodedUnit> units;
    for (std::size_t bytes = 0; bytes < kPieceBytes;) {
        const auto key = walk.next();
        if (!key) break;
        const auto stored = TRY(find_unit(transaction, cursor, view, *key));
        TRY(index.expect(*key, place_of(stored)));
        if (!stored) {
            units.push_back(encode_unit(*key, {}));
            continue;
        }
        const Bytes value = TRY(stored->joined(transaction.scratch()));
        units.push_back({*key, ByteVector(value.begin(), value.end())});
        bytes += value.size();
    }
    return units;
}

}  // namespace

Result<void> LmdbFamily::for_each_difference(
    Version from, Version to,
    const std::function<Result<void>(UnitKey key, Bytes value)>& visit) const {
    const View before = TRY(view_of(from));
    const View after = TRY(view_of(to));
    const ViewIndex index = TRY(index_of_view(*environment_, after));
    const ViewIndex other = TRY(index_of_view(*environment_, before));
    RunWalk walk(index.differences_from(other));
    for (;;) {
        const auto units = TRY(read_next(*environment_, index, after, walk));
        if (units.empty()) return {};
        for (const EncodedUnit& unit : units)
            TRY(visit(unit.key, unit.value));
    }
}

Result<void> LmdbFamily::for_each_unit(
    View view, const std::function<Result<void>(UnitKey key, Bytes value)>& visit) const {
    const ViewIndex index = TRY(index_of_view(*environment_, view));
    std::uint64_t visited = 0;
    for (std::optional<UnitKey> from = UnitKey{}; from;) {
        const Piece piece = TRY(read_piece(*environment_, index, view, *from));
        for (const EncodedUnit& unit : piece.units)
            TRY(visit(unit.key, unit.value));
        visited += piece.units.size();
        from = piece.next;
    }
    if (visited == index.unit_count()) return {};
    return fail(ErrorCode::corrupt, "{} has {} of the {} units of checkpoint {}",
                environment_->directory().native(), visited, index.unit_count(),
                plain(view.version));
}

Result<std::vector<UnitKey>> LmdbFamily::differing_units(View left, View right) const {
    const ViewIndex left_index = TRY(index_of_view(*environment_, left));
    const ViewIndex right_index = TRY(index_of_view(*environment_, right));
    RunWalk walk(left_index.differences_from(right_index));
    std::vector<UnitKey> units;
    for (auto key = walk.next(); key; key = walk.next())
        units.push_back(*key);
    return units;
}

Result<FamilyUsage> LmdbFamily::usage(const FindContentsOf& find_contents) const {
    FamilyUsage usage = TRY(measure_family(*environment_, find_contents));
    usage.free = TRY(free_bytes(*environment_));
    return usage;
}

Result<std::vector<std::string>> LmdbFamily::verify() const {
    WorkCrew alone(1);
    return verify_together(alone, [](std::uint64_t) {});
}

Result<std::vector<std::string>> LmdbFamily::verify_together(WorkCrew& crew,
                                                             const BytesSeen& progress) const {
    return verify_family(*environment_, crew, progress);
}

}  // namespace sojourn::store
