#include "store/internal/environment.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/trace.hpp"

namespace sojourn::store {

namespace {

constexpr std::uint64_t kFullBelowBytes = 64 * 1024;

}  // namespace

Reader& Environment::claim_reader() const {
    for (;;) {
        for (Reader& reader : readers_) {
            if (!reader.busy.exchange(true, std::memory_order_acquire)) return reader;
        }
        ::sched_yield();
    }
}

Result<ReadTransaction> Environment::read() const {
    const DatabaseUse use(damage_line_);
    for (bool has_waited = false;;) {
        Reader& reader = claim_reader();
        int code = reader.transaction != nullptr ? mdb_txn_renew(reader.transaction) : MDB_PANIC;
        if (code == 0) {
            code = mdb_cursor_renew(reader.transaction, reader.hot_cursor);
            if (code == 0 && !is_outdated(reader)) return ReadTransaction(*this, reader);
            mdb_txn_reset(reader.transaction);
        }
        reader.busy.store(false, std::memory_order_release);
        if (code == 0) {
            TRY(follow_replacement());
            continue;
        }
        if (code == MDB_PANIC && !has_waited) {
            // The writer whose commit failed is opening the environment again.
            const std::lock_guard wait(writer_);
            has_waited = true;
            continue;
        }
        if (code != MDB_MAP_RESIZED || !grow_map()) return error(code, "read");
    }
}

Result<void> Environment::write(const std::function<Result<void>(WriteTransaction&)>& body) {
    while (!TRY(try_write(body))) {
    }
    return {};
}

/// False when the map was too small and has grown.
Result<bool> Environment::try_write(const std::function<Result<void>(WriteTransaction&)>& body) {
    int code = MDB_SUCCESS;
    {
        const std::lock_guard lock(writer_);
        if (env_ == nullptr) TRY(reopen());
        code = TRY(write_once(body));
        // If that fails, the next writer tries it again.
        if (code != 0 && has_given_up()) static_cast<void>(reopen());
    }
    if (code == 0) return true;
    if ((code == MDB_MAP_FULL || code == MDB_MAP_RESIZED) && grow_map()) return false;
    return error(code, "write to");
}

/// Gives the code of LMDB's that it ended with.
Result<int> Environment::write_once(const std::function<Result<void>(WriteTransaction&)>& body) {
    const WritersLock writers = TRY(lock_writers());
    const DatabaseUse use(damage_line_);
    MDB_txn* raw = nullptr;
    int code = mdb_txn_begin(env_, nullptr, 0, &raw);
    if (code == EACCES) return EROFS;  // it was opened for reading
    if (code != 0) return code;
    WriteTransaction transaction(*this, raw);
    const Result<void> result = body(transaction);
    code = transaction.first_failure_;
    if (!result.ok() && code != MDB_MAP_FULL) return result.error();
    return code == 0 ? transaction.commit() : code;
}

/// Waits for this host process's transactions, then maps four times as much, or less where the
/// address space ends. False when it stays as it was.
bool Environment::grow_map() const {
    const std::lock_guard lock(writer_);
    claim_all_readers();
    MDB_envinfo info{};
    mdb_env_info(env_, &info);
    const std::size_t old_bytes = info.me_mapsize;
    bool grown = false;
    for (std::size_t bytes = std::min(old_bytes * 4, kMapBytes); bytes > old_bytes && !grown;
         bytes -= bytes / 4) {
        grown = mdb_env_set_mapsize(env_, bytes) == 0;
    }
    // A failed attempt has taken the old map away.
    if (!grown) {
        INVARIANT(mdb_env_set_mapsize(env_, old_bytes) == 0, "what was mapped can be mapped again");
    }
    release_all_readers();
    TRACE(store, "map_grown", directory_.native(), old_bytes, grown);
    return grown;
}

/// LMDB uses an environment no more once it could not write the page that names the newest commit.
bool Environment::has_given_up() const {
    MDB_txn* probe = nullptr;
    const int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &probe);
    if (code == 0) mdb_txn_abort(probe);
    return code == MDB_PANIC;
}

void Environment::claim_all_readers() const {
    for (std::size_t claimed = 0; claimed < kReaders;) {
        for (Reader& reader : readers_) {
            if (!reader.busy.exchange(true, std::memory_order_acquire)) ++claimed;
        }
        if (claimed < kReaders) ::sched_yield();
    }
}

void Environment::release_all_readers() const {
    for (Reader& reader : readers_)
        reader.busy.store(false, std::memory_order_release);
}

/// LMDB reports a write cut short by a full disk as EIO.
bool Environment::is_disk_full() const {
    struct statvfs space {};
    if (::statvfs(directory_.c_str(), &space) == 0 &&
        std::uint64_t{space.f_bavail} * space.f_frsize < kFullBelowBytes) {
        return true;
    }
    struct rlimit limit {};
    struct stat status {};
    return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           ::stat(data_file_.c_str(), &status) == 0 &&
           static_cast<std::uint64_t>(status.st_size) + kFullBelowBytes > limit.rlim_cur;
}

DatabaseFile Environment::file() const {
    MDB_stat stat{};
    int file = -1;
    mdb_env_stat(env_, &stat);
    mdb_env_get_fd(env_, &file);
    return {file, stat.ms_psize};
}

MDB_dbi Environment::handle(TableIndex table) const {
    const auto index = static_cast<std::size_t>(table);
    EXPECTS(index < handles_.size(), "a table is one of those the environment was opened with");
    return handles_[index];
}

Error Environment::error(int code, std::string_view attempt) const {
    const std::string what =
        fmt::format("cannot {} {}: {}", attempt, directory_.native(), mdb_strerror(code));
    switch (code) {
        case MDB_MAP_FULL:
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return fail(ErrorCode::store_full,
                        "{}; nothing was changed; free space there or remove checkpoints", what);
        case EIO:
            if (is_disk_full()) {
                return fail(ErrorCode::store_full,
                            "{}; nothing was changed; free space there or remove checkpoints",
                            what);
            }
            return fail(ErrorCode::io, "{}", what);
        case MDB_INVALID:
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_BAD_TXN:
            return fail(ErrorCode::corrupt, "{}; the database is damaged: {}", what, kDamageRemedy);
        case MDB_NOTFOUND:
        case MDB_INCOMPATIBLE:
            return fail(ErrorCode::corrupt, "{}; the database is another program's, or damaged: {}",
                        what, kDamageRemedy);
        case MDB_VERSION_MISMATCH:
            return fail(ErrorCode::unsupported_format,
                        "{}; it was written by another version of LMDB", what);
        case MDB_PANIC:
            return fail(ErrorCode::io,
                        "{}; a write failed before; what was stored until then is whole: see to "
                        "the disk, then try again",
                        what);
        case MDB_READERS_FULL:
            return fail(ErrorCode::io, "{}; more than {} readers use it", what, kHostReadersMax);
        case EACCES:
        case EPERM:
        case EROFS:
            return fail(ErrorCode::permission_denied,
                        "{}; a store is used by the user who owns it, and changed on media that "
                        "can be written: vm export takes processes elsewhere",
                        what);
        default:
            return code > 0 ? fail_errno(code, "cannot {} {}", attempt, directory_.native())
                            : fail(ErrorCode::io, "{}", what);
    }
}

}  // namespace sojourn::store
