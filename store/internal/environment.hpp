#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <lmdb.h>

#include "base/bytes.hpp"
#include "base/file.hpp"
#include "store/internal/database_file.hpp"
#include "store/internal/database_use.hpp"

/// LMDB, the part of it that the store uses, with errors as Results. Nothing outside
/// store/internal/ includes this.
namespace sojourn::store {

class Environment;

inline constexpr const char* kDamageRemedy =
    "vm store repair --into DIR makes a new store of what is not damaged";

/// Position of a table in EnvironmentOptions::tables.
enum class TableIndex : unsigned {};

struct EnvironmentOptions {
    std::vector<const char*> tables;
    /// The prepared readers carry a cursor on this one, so that reading it allocates nothing.
    TableIndex hot_table{0};
    bool create = false;
    bool sync = true;
};

/// Walks a table by key. Belongs to a transaction and ends before it does. Keys and values are
/// views into the map: good until the transaction ends or writes.
class Cursor {
public:
    Cursor(Cursor&& other) noexcept;
    Cursor(const Cursor&) = delete;
    ~Cursor();

    /// To the first entry at or behind `key`. False when there is none.
    Result<bool> seek(Bytes key);
    /// To the last entry in front of `key`.
    Result<bool> seek_before(Bytes key);
    Result<bool> next();
    Result<bool> previous();

    [[nodiscard]] Bytes key() const { return key_; }
    [[nodiscard]] Bytes value() const { return value_; }

private:
    friend class Transaction;
    friend class ReadTransaction;
    enum class Ownership { owned, borrowed };
    Cursor(MDB_cursor* cursor, Ownership ownership, const Environment& environment)
        : cursor_(cursor), ownership_(ownership), environment_(&environment) {}
    Result<bool> move(MDB_cursor_op operation, Bytes key);

    MDB_cursor* cursor_;
    Ownership ownership_;
    const Environment* environment_;
    Bytes key_;
    Bytes value_;
};

/// What reading and writing transactions have in common: one moment of the environment.
class Transaction {
public:
    Transaction(const Transaction&) = delete;

    Result<std::optional<Bytes>> get(TableIndex table, Bytes key) const;
    [[nodiscard]] bool is_empty(TableIndex table) const;
    [[nodiscard]] Cursor cursor(TableIndex table) const;
    /// Of the pages that it takes.
    [[nodiscard]] std::uint64_t table_bytes(TableIndex table) const;
    [[nodiscard]] const Environment& environment() const { return *environment_; }
    /// Of the commit that a reading transaction sees.
    [[nodiscard]] std::uint64_t commit_number() const { return mdb_txn_id(transaction_); }
    /// Whether no host process has committed anything since. Asks no lock.
    [[nodiscard]] bool is_newest() const;

protected:
    explicit Transaction(const Environment& environment);
    [[nodiscard]] MDB_stat statistics(TableIndex table) const;

    DatabaseUse use_;
    const Environment* environment_;
    MDB_txn* transaction_ = nullptr;
};

/// A prepared reading transaction, idle between uses so that it pins no pages.
struct Reader {
    std::atomic<bool> busy = false;
    MDB_txn* transaction = nullptr;
    MDB_cursor* hot_cursor = nullptr;
    std::unique_ptr<std::byte[]> scratch;
};

class ReadTransaction : public Transaction {
public:
    ReadTransaction(ReadTransaction&& other) noexcept;
    ~ReadTransaction();

    /// A cursor on the hot table, without an allocation. One at a time.
    [[nodiscard]] Cursor hot_cursor() const;
    /// A buffer of kUnitValueBytesMax that is the transaction's alone.
    [[nodiscard]] std::byte* scratch() const { return reader_->scratch.get(); }

private:
    friend class Environment;
    ReadTransaction(const Environment& environment, Reader& reader);

    Reader* reader_;
};

class WriteTransaction : public Transaction {
public:
    ~WriteTransaction();

    /// Replaces what is there.
    Result<void> put(TableIndex table, Bytes key, Bytes value);
    /// False, and nothing written, when there is a value already.
    Result<bool> put_new(TableIndex table, Bytes key, Bytes value);
    /// False when there was nothing.
    Result<bool> erase(TableIndex table, Bytes key);

private:
    friend class Environment;
    WriteTransaction(const Environment& environment, MDB_txn* raw);
    int commit();
    Error refusal(int code);

    int first_failure_ = MDB_SUCCESS;
    std::size_t bytes_put_ = 0;
};

/// Keeps every other host process from writing to a database and from replacing its file: it is a
/// lock on that file, and who has waited for it may find that the file is another's by now.
class WritersLock {
public:
    /// Waits for the lock. Borrows `file`. Errors: io.
    static Result<WritersLock> take(int file);
    WritersLock(WritersLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    ~WritersLock();

private:
    explicit WritersLock(int file) : file_(file) {}

    int file_;
};

/// One LMDB environment. A host process has one object a directory, however often it opens it:
/// LMDB's locks are per process and closing one of two would release the other's.
///
/// Its file may be replaced by a compacted one under the writers' lock. A writer looks for that
/// before it begins, a reader when somebody has written since; either opens it again then. Until
/// then the old file has the moment in which it was replaced, which is the newest.
///
/// Usable from any thread. A read transaction is one of a fixed number of prepared ones; it must
/// be short, as it keeps pages from being reused and the map from growing.
///
/// On media that cannot be written it is read without locks: nobody may write to it by another
/// way meanwhile. A write is refused with permission_denied.
class Environment {
public:
    /// Errors: permission_denied, corrupt (also when something is missing), unsupported_format,
    /// out_of_memory, io; each names the directory and the remedy.
    static Result<std::shared_ptr<Environment>> open(const std::filesystem::path& directory,
                                                     const EnvironmentOptions& options);
    ~Environment();

    /// Allocates nothing unless it fails; waits while all prepared readers are in use.
    Result<ReadTransaction> read() const;

    /// Runs `body` and commits when it succeeds; otherwise nothing of it is kept. Runs it again
    /// when the map had to grow for it: it must be repeatable. Errors: those of `body`; store_full,
    /// io.
    Result<void> write(const std::function<Result<void>(WriteTransaction&)>& body);

    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

    /// Calls `body` while nobody writes. It may replace the file; then this host process's
    /// transactions must end by themselves, and the environment is opened again. Errors: those of
    /// `body`; io.
    Result<void> exclude_writers(const std::function<Result<void>()>& body) const;

    /// Writes the newest commit to `file`, without what is free. The commit is chosen before the
    /// first byte is written. Requires: a reading transaction lives meanwhile. Errors: corrupt, io.
    Result<void> copy_compacted(int file) const;

    /// The file, for who looks at pages within a reading transaction.
    [[nodiscard]] DatabaseFile file() const;
    [[nodiscard]] const EnvironmentOptions& options() const { return options_; }

    /// The Error for an LMDB return code, with what to do about it.
    [[nodiscard]] Error error(int code, std::string_view attempt) const;

private:
    friend class Transaction;
    friend class ReadTransaction;
    friend class WriteTransaction;
    static constexpr std::size_t kReaders = 8;
    static constexpr unsigned kHostReadersMax = 4096;  ///< of all host processes together
    static constexpr std::size_t kMapBytes = std::size_t{1} << 40;

    Environment(std::filesystem::path directory, EnvironmentOptions options);
    Result<void> start(bool create) const;
    void close() const;
    Result<void> reopen() const;
    [[nodiscard]] bool has_given_up() const;
    [[nodiscard]] Result<void> expect_data() const;
    [[nodiscard]] int open_map() const;
    [[nodiscard]] int open_newest_map() const;
    [[nodiscard]] int open_tables(bool create) const;
    [[nodiscard]] int prepare_readers() const;
    [[nodiscard]] Result<void> mend_short_file() const;
    [[nodiscard]] int descriptor() const;
    [[nodiscard]] bool is_replaced() const;
    [[nodiscard]] bool is_outdated(const Reader& reader) const;
    Result<void> follow_replacement() const;
    Result<WritersLock> lock_writers() const;
    Reader& claim_reader() const;
    void claim_all_readers() const;
    void release_all_readers() const;
    Result<bool> try_write(const std::function<Result<void>(WriteTransaction&)>& body);
    Result<int> write_once(const std::function<Result<void>(WriteTransaction&)>& body);
    bool grow_map() const;
    [[nodiscard]] bool is_disk_full() const;
    [[nodiscard]] MDB_dbi handle(TableIndex table) const;

    std::filesystem::path directory_;
    std::filesystem::path data_file_;
    std::string damage_line_;  ///< what is said when using it faults
    UniqueFd pin_;  ///< keeps the directory's inode number from being given to another one
    EnvironmentOptions options_;
    mutable MDB_env* env_ = nullptr;  ///< none after a failed write, until it can be opened again
    mutable std::vector<MDB_dbi> handles_;
    mutable std::array<Reader, kReaders> readers_;
    mutable std::mutex writer_;
};

}  // namespace sojourn::store
