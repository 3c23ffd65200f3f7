#include "store/internal/table_difference.hpp"

#include <algorithm>

namespace sojourn::store {

namespace {

/// One table as one moment has it, entry by entry.
class TableWalk {
public:
    TableWalk(const ReadTransaction& transaction, TableIndex table)
        : cursor_(transaction.cursor(table)) {}

    Result<void> next() {
        is_at_end_ = !TRY(cursor_.next());
        return {};
    }
    [[nodiscard]] bool is_at_end() const { return is_at_end_; }
    [[nodiscard]] Bytes key() const { return cursor_.key(); }
    [[nodiscard]] Bytes value() const { return cursor_.value(); }

private:
    Cursor cursor_;
    bool is_at_end_ = false;
};

std::strong_ordering order_of(const TableWalk& left, const TableWalk& right) {
    if (left.is_at_end() || right.is_at_end()) return left.is_at_end() <=> right.is_at_end();
    return std::lexicographical_compare_three_way(left.key().begin(), left.key().end(),
                                                  right.key().begin(), right.key().end());
}

Result<void> carry_over_table(const ReadTransaction& before, const ReadTransaction& after,
                              TableIndex table, WriteTransaction& other) {
    TableWalk old_entries(before, table);
    TableWalk new_entries(after, table);
    TRY(old_entries.next());
    TRY(new_entries.next());
    while (!old_entries.is_at_end() || !new_entries.is_at_end()) {
        const auto order = order_of(old_entries, new_entries);
        if (order < 0) {
            TRY(other.erase(table, old_entries.key()));
        } else if (order > 0 || old_entries.value().data() != new_entries.value().data()) {
            TRY(other.put(table, new_entries.key(), new_entries.value()));
        }
        if (order <= 0) TRY(old_entries.next());
        if (order >= 0) TRY(new_entries.next());
    }
    return {};
}

}  // namespace

Result<void> carry_over(const ReadTransaction& before, const ReadTransaction& after,
                        WriteTransaction& other) {
    const std::size_t tables = before.environment().options().tables.size();
    for (std::size_t index = 0; index < tables; ++index) {
        const TableIndex table{static_cast<unsigned>(index)};
        TRY(carry_over_table(before, after, table, other));
    }
    return {};
}

}  // namespace sojourn::store
