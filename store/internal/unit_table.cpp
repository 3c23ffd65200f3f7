#include "store/internal/unit_table.hpp"

#include <sys/mman.h>

namespace sojourn::store {

namespace {

constexpr std::size_t kDatabasePageBytes = 4096;
constexpr std::size_t kDatabasePageHeaderBytes = 16;
constexpr std::size_t kTailBytesMax = 64;

/// A tail's key is its head's with this byte behind it: it sorts right after the head.
constexpr std::byte kTailMark{1};
constexpr std::size_t kTailKeyBytes = kUnitVersionKeyBytes + 1;

std::array<std::byte, kTailKeyBytes> tail_key_of(const UnitVersion& at) {
    std::array<std::byte, kTailKeyBytes> key;
    std::ranges::copy(key_of(at), key.begin());
    key.back() = kTailMark;
    return key;
}

/// How many bytes of a value would open another database page for themselves: an incompressible
/// unit and its header are a little longer than whole pages.
std::size_t tail_bytes_of(std::size_t value_bytes) {
    const std::size_t over = (value_bytes + kDatabasePageHeaderBytes) % kDatabasePageBytes;
    return value_bytes > kDatabasePageBytes - kDatabasePageHeaderBytes && over <= kTailBytesMax
               ? over
               : 0;
}

/// The database reads nothing ahead.
void read_ahead(Bytes part) {
    const auto address = reinterpret_cast<std::uintptr_t>(part.data());
    const std::uintptr_t first = address & ~(kDatabasePageBytes - 1);
    ::madvise(reinterpret_cast<void*>(first), address + part.size() - first, MADV_WILLNEED);
}

bool has_pages_of_its_own(Bytes value) {
    return value.size() > kDatabasePageBytes;
}

bool is_of(const UnitVersion& at, BranchId branch, UnitKey unit) {
    return at.branch == branch && at.unit == unit;
}

/// The unit under the cursor, which may stand on its head or on its tail; then on its head.
Result<StoredUnit> stored_at(Cursor& cursor) {
    StoredUnit stored;
    stored.at = TRY(parse_unit_key(cursor.key()));
    if (cursor.key().size() == kTailKeyBytes) {
        stored.tail = cursor.value();
        const bool found = TRY(cursor.previous());
        if (!found || !std::ranges::equal(cursor.key(), key_of(stored.at))) {
            return fail(ErrorCode::corrupt, "unit {} of region {} has lost its beginning",
                        plain(stored.at.unit.unit), plain(stored.at.unit.region));
        }
    }
    stored.head = cursor.value();
    return stored;
}

}  // namespace

Result<UnitVersion> parse_unit_key(Bytes key) {
    if (key.size() != kUnitVersionKeyBytes && key.size() != kTailKeyBytes) {
        return fail(ErrorCode::corrupt, "a unit has a key of {} bytes", key.size());
    }
    KeyReader reader(key);
    UnitVersion at;
    at.branch = reader.get<BranchId>();
    at.unit.region = reader.get<RegionId>();
    at.unit.unit = reader.get<UnitIndex>();
    at.version = reader.get<Version>();
    return at;
}

Result<Bytes> StoredUnit::joined(std::byte* buffer) const {
    if (has_pages_of_its_own(head)) read_ahead(head);  // not one fault a page
    if (tail.empty()) return head;
    if (head.size() + tail.size() > kUnitValueBytesMax) {
        return fail(ErrorCode::corrupt, "unit {} of region {} is too long", plain(at.unit.unit),
                    plain(at.unit.region));
    }
    std::ranges::copy(head, buffer);
    std::ranges::copy(tail, buffer + head.size());
    return Bytes(buffer, head.size() + tail.size());
}

Result<void> put_unit(WriteTransaction& transaction, const UnitVersion& at, Bytes value) {
    const std::size_t tail_bytes = tail_bytes_of(value.size());
    const Bytes head = value.first(value.size() - tail_bytes);
    if (!TRY(transaction.put_new(kPages, key_of(at), head))) {
        TRY(erase_unit(transaction, at));  // what was staged before may have a tail
        TRY(transaction.put(kPages, key_of(at), head));
    }
    if (tail_bytes == 0) return {};
    return transaction.put(kPages, tail_key_of(at), value.last(tail_bytes));
}

Result<void> erase_unit(WriteTransaction& transaction, const UnitVersion& at) {
    TRY(transaction.erase(kPages, key_of(at)));
    TRY(transaction.erase(kPages, tail_key_of(at)));
    return {};
}

Result<void> erase_units(WriteTransaction& transaction, BranchId branch, Version version,
                         std::span<const UnitKey> units) {
    // To free a value the database looks at its first page; nobody else may have for long.
    for (const UnitKey& unit : units) {
        const auto head = TRY(transaction.get(kPages, key_of({branch, unit, version})));
        if (head && has_pages_of_its_own(*head)) read_ahead(head->first(1));
    }
    for (const UnitKey& unit : units)
        TRY(erase_unit(transaction, {branch, unit, version}));
    return {};
}

Result<std::optional<StoredUnit>> find_on_branch(const Transaction& transaction, Cursor& cursor,
                                                 BranchId branch, UnitKey unit, Version version) {
    bool found = TRY(cursor.seek_before(key_of({branch, unit, next(version)})));
    while (found) {
        const StoredUnit stored = TRY(stored_at(cursor));
        if (!is_of(stored.at, branch, unit)) break;
        if (!TRY(is_abandoned(transaction, branch, stored.at.version))) {
            return std::optional(stored);
        }
        found = TRY(cursor.previous());
    }
    return std::optional<StoredUnit>();
}

Result<std::optional<StoredUnit>> find_unit(const Transaction& transaction, Cursor& cursor,
                                            View view, UnitKey unit) {
    while (view.branch != kNoBranch) {
        const auto stored =
            TRY(find_on_branch(transaction, cursor, view.branch, unit, view.version));
        if (stored) return stored;
        const BranchRecord branch = TRY(read_branch(transaction, view.branch));
        view = {branch.parent, std::min(view.version, branch.fork)};
    }
    return std::optional<StoredUnit>();
}

Result<std::optional<UnitKey>> next_unit(const Transaction& transaction, Cursor& cursor, View view,
                                         UnitKey from) {
    std::optional<UnitKey> first;
    while (view.branch != kNoBranch) {
        const bool found = TRY(cursor.seek(key_of({view.branch, from, kNoVersion})));
        if (found) {
            const UnitVersion at = TRY(parse_unit_key(cursor.key()));
            if (at.branch == view.branch && (!first || at.unit < *first)) first = at.unit;
        }
        const BranchRecord branch = TRY(read_branch(transaction, view.branch));
        view.branch = branch.parent;
    }
    return first;
}

Result<std::optional<Version>> next_version(const Transaction& transaction, Cursor& cursor,
                                            const UnitVersion& at) {
    UnitVersion wanted{at.branch, at.unit, next(at.version)};
    while (TRY(cursor.seek(key_of(wanted)))) {
        const UnitVersion candidate = TRY(parse_unit_key(cursor.key()));
        if (!is_of(candidate, at.branch, at.unit)) break;
        if (!TRY(is_abandoned(transaction, candidate.branch, candidate.version))) {
            return std::optional(candidate.version);
        }
        wanted.version = next(candidate.version);
    }
    return std::optional<Version>();
}

}  // namespace sojourn::store
