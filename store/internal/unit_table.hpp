#pragma once

#include "store/internal/family_tables.hpp"

/// The table `pages`: values of units, and which of them a view sees.
namespace sojourn::store {

/// A value as it lies in the database: in one piece, or with its last bytes in an entry of their
/// own (docs/formats/store.md says why).
struct StoredUnit {
    UnitVersion at;
    Bytes head;
    Bytes tail;

    /// The value in one piece: `head` itself, or put together in `buffer`, which takes
    /// kUnitValueBytesMax.
    [[nodiscard]] Result<Bytes> joined(std::byte* buffer) const;
};

Result<void> put_unit(WriteTransaction& transaction, const UnitVersion& at, Bytes value);
Result<void> erase_unit(WriteTransaction& transaction, const UnitVersion& at);
/// Many at once, from a database that may lie on disk alone.
Result<void> erase_units(WriteTransaction& transaction, BranchId branch, Version version,
                         std::span<const UnitKey> units);

/// The newest value of `unit` on `branch` at or before `version`, abandoned ones passed over.
/// `cursor` is one of the table. Allocates nothing unless it fails.
Result<std::optional<StoredUnit>> find_on_branch(const Transaction& transaction, Cursor& cursor,
                                                 BranchId branch, UnitKey unit, Version version);

/// What `view` sees of `unit`: find_on_branch() from branch to branch towards the root.
Result<std::optional<StoredUnit>> find_unit(const Transaction& transaction, Cursor& cursor,
                                            View view, UnitKey unit);

/// The first unit at or behind `from` that has any value on the way of `view` to the root; there
/// may be none that the view sees.
Result<std::optional<UnitKey>> next_unit(const Transaction& transaction, Cursor& cursor, View view,
                                         UnitKey from);

/// The next version of the same unit on the same branch that is not abandoned.
Result<std::optional<Version>> next_version(const Transaction& transaction, Cursor& cursor,
                                            const UnitVersion& at);

/// What the entry under `cursor` belongs to. Errors: corrupt.
Result<UnitVersion> parse_unit_key(Bytes key);

}  // namespace sojourn::store
