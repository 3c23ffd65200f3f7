#include <algorithm>
#include <compare>

#include "store/internal/environment.hpp"
#include "store/internal/write_behind.hpp"

namespace sojourn::store {

namespace {

// LMDB takes keys and values through pointers to non-const and does not write to them.
MDB_val to_value(Bytes bytes) {
    return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}

/// Below that, a thread costs more than the wait that it saves.
constexpr std::size_t kWrittenBehindBytesMin = std::size_t{2} << 20U;

/// As the database has it.
std::strong_ordering order(Bytes left, Bytes right) {
    return std::lexicographical_compare_three_way(left.begin(), left.end(), right.begin(),
                                                  right.end());
}

Bytes to_bytes(const MDB_val& value) {
    return {static_cast<const std::byte*>(value.mv_data), value.mv_size};
}

}  // namespace

Cursor::Cursor(Cursor&& other) noexcept
    : cursor_(std::exchange(other.cursor_, nullptr)),
      ownership_(other.ownership_),
      environment_(other.environment_),
      key_(other.key_),
      value_(other.value_) {}

Cursor::~Cursor() {
    if (cursor_ != nullptr && ownership_ == Ownership::owned) mdb_cursor_close(cursor_);
}

Result<bool> Cursor::move(MDB_cursor_op operation, Bytes key) {
    MDB_val found_key = to_value(key);
    MDB_val found_value{};
    const int code = mdb_cursor_get(cursor_, &found_key, &found_value, operation);
    if (code == MDB_NOTFOUND) return false;
    if (code != 0) return environment_->error(code, "read");
    key_ = to_bytes(found_key);
    value_ = to_bytes(found_value);
    return true;
}

// In a damaged tree what is found may lie on the wrong side: who walks on from there would not come
// to an end.

Result<bool> Cursor::seek(Bytes key) {
    const bool found = TRY(move(MDB_SET_RANGE, key));
    if (found && order(key_, key) < 0) return environment_->error(MDB_CORRUPTED, "read");
    return found;
}

Result<bool> Cursor::seek_before(Bytes key) {
    const bool is_behind = TRY(move(MDB_SET_RANGE, key));
    const bool found = TRY(move(is_behind ? MDB_PREV : MDB_LAST, {}));
    if (found && order(key_, key) >= 0) return environment_->error(MDB_CORRUPTED, "read");
    return found;
}

Result<bool> Cursor::next() {
    return move(MDB_NEXT, {});
}

Result<bool> Cursor::previous() {
    return move(MDB_PREV, {});
}

Result<std::optional<Bytes>> Transaction::get(TableIndex table, Bytes key) const {
    MDB_val wanted = to_value(key);
    MDB_val found{};
    const int code = mdb_get(transaction_, environment_->handle(table), &wanted, &found);
    if (code == MDB_NOTFOUND) return std::optional<Bytes>();
    if (code != 0) return environment_->error(code, "read");
    return std::optional<Bytes>(to_bytes(found));
}

bool Transaction::is_newest() const {
    MDB_envinfo info{};
    mdb_env_info(mdb_txn_env(transaction_), &info);
    return info.me_last_txnid == commit_number();
}

MDB_stat Transaction::statistics(TableIndex table) const {
    MDB_stat stat{};
    const int code = mdb_stat(transaction_, environment_->handle(table), &stat);
    INVARIANT(code == 0, "an open table has statistics");
    return stat;
}

bool Transaction::is_empty(TableIndex table) const {
    return statistics(table).ms_entries == 0;
}

std::uint64_t Transaction::table_bytes(TableIndex table) const {
    const MDB_stat stat = statistics(table);
    return (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
}

Cursor Transaction::cursor(TableIndex table) const {
    MDB_cursor* cursor = nullptr;
    const int code = mdb_cursor_open(transaction_, environment_->handle(table), &cursor);
    INVARIANT(code == 0, "a live transaction opens cursors");
    return {cursor, Cursor::Ownership::owned, *environment_};
}

Transaction::Transaction(const Environment& environment)
    : use_(environment.damage_line_), environment_(&environment) {}

ReadTransaction::ReadTransaction(const Environment& environment, Reader& reader)
    : Transaction(environment), reader_(&reader) {
    transaction_ = reader.transaction;
}

ReadTransaction::ReadTransaction(ReadTransaction&& other) noexcept
    : Transaction(*other.environment_), reader_(std::exchange(other.reader_, nullptr)) {
    transaction_ = other.transaction_;
}

ReadTransaction::~ReadTransaction() {
    if (reader_ == nullptr) return;
    mdb_txn_reset(reader_->transaction);
    reader_->busy.store(false, std::memory_order_release);
}

Cursor ReadTransaction::hot_cursor() const {
    return {reader_->hot_cursor, Cursor::Ownership::borrowed, *environment_};
}

WriteTransaction::WriteTransaction(const Environment& environment, MDB_txn* raw)
    : Transaction(environment) {
    transaction_ = raw;
}

WriteTransaction::~WriteTransaction() {
    if (transaction_ != nullptr) mdb_txn_abort(transaction_);
}

int WriteTransaction::commit() {
    std::optional<WriteBehind> write_behind;
    if (int file = -1; bytes_put_ >= kWrittenBehindBytesMin &&
                       mdb_env_get_fd(mdb_txn_env(transaction_), &file) == MDB_SUCCESS) {
        write_behind.emplace(file);
    }
    return mdb_txn_commit(std::exchange(transaction_, nullptr));
}

Error WriteTransaction::refusal(int code) {
    if (first_failure_ == MDB_SUCCESS) first_failure_ = code;
    return environment_->error(code, "write to");
}

Result<void> WriteTransaction::put(TableIndex table, Bytes key, Bytes value) {
    MDB_val raw_key = to_value(key);
    MDB_val raw_value = to_value(value);
    const int code = mdb_put(transaction_, environment_->handle(table), &raw_key, &raw_value, 0);
    if (code != 0) return refusal(code);
    bytes_put_ += value.size();
    return {};
}

Result<bool> WriteTransaction::put_new(TableIndex table, Bytes key, Bytes value) {
    MDB_val raw_key = to_value(key);
    MDB_val raw_value = to_value(value);
    const int code =
        mdb_put(transaction_, environment_->handle(table), &raw_key, &raw_value, MDB_NOOVERWRITE);
    if (code == MDB_KEYEXIST) return false;
    if (code != 0) return refusal(code);
    bytes_put_ += value.size();
    return true;
}

Result<bool> WriteTransaction::erase(TableIndex table, Bytes key) {
    MDB_val raw_key = to_value(key);
    const int code = mdb_del(transaction_, environment_->handle(table), &raw_key, nullptr);
    if (code == MDB_NOTFOUND) return false;
    if (code != 0) return refusal(code);
    return true;
}

}  // namespace sojourn::store
