#pragma once

#include <functional>
#include <string>

#include "store/internal/database_file.hpp"

namespace sojourn::store {

/// Who looks at the pages and entries of a table.
class TreeVisitor {
public:
    virtual ~TreeVisitor() = default;
    /// Pages that the table uses. False: they are not to be read, as they are not there or belong
    /// elsewhere, which the visitor has noted.
    virtual bool on_pages(PageRun pages) = 0;
    /// In the order of the keys; of a damaged table, those that can be come by. `is_table`: the
    /// value is a TableRecord.
    virtual Result<void> on_entry(Bytes key, const StoredValue& value, bool is_table) = 0;
    /// Entries whose keys lie in [first, end) may be missing, up to the last one without an `end`.
    virtual void on_lost(Bytes /*first*/, std::optional<Bytes> /*end*/) {}
    /// What does not hold, as a sentence.
    virtual void on_damage(const std::string& what) = 0;
};

enum class KeyOrder { bytes, numbers };

/// Walks over all of a table, whatever state it is in, and compares it with what its record says.
/// Errors: io, those of the visitor.
Result<void> walk_table(const DatabaseFile& file, const TableRecord& table, KeyOrder order,
                        TreeVisitor& visitor);

}  // namespace sojourn::store
