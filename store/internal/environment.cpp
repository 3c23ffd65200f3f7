#include "store/internal/environment.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/trace.hpp"
#include "store/internal/commit_numbers.hpp"
#include "store/internal/store_directory.hpp"
#include "store/unit_codec.hpp"

namespace sojourn::store {

namespace {

constexpr std::size_t kMapBytes = std::size_t{1} << 40;
constexpr std::size_t kMapBytesMin = std::size_t{1} << 26;
constexpr unsigned kHostReadersMax = 4096;  ///< of all host processes together
constexpr std::uint64_t kFullBelowBytes = 64 * 1024;

std::filesystem::path data_file(const std::filesystem::path& directory) {
    return directory / "data.mdb";
}

}  // namespace

Environment::Environment(std::filesystem::path directory)
    : directory_(std::move(directory)),
      damage_line_(fmt::format("corrupt data: the database {} is damaged: vm store verify tells "
                               "what else is; {}\n",
                               data_file(directory_).native(), kDamageRemedy)) {}

Environment::~Environment() {
    close();
}

void Environment::close() {
    const DatabaseUse use(damage_line_);
    for (Reader& reader : readers_) {
        if (reader.hot_cursor != nullptr) mdb_cursor_close(reader.hot_cursor);
        if (reader.transaction != nullptr) mdb_txn_abort(reader.transaction);
        reader.hot_cursor = nullptr;
        reader.transaction = nullptr;
    }
    if (env_ != nullptr) mdb_env_close(env_);
    env_ = nullptr;
}

Result<void> Environment::start(const EnvironmentOptions& options) {
    const DatabaseUse use(damage_line_);
    options_ = options;
    options_.create = false;  // when it is opened again, the tables are there
    if (!options.create) TRY(expect_data());
    if (const int code = open_map(options); code != 0) return error(code, "open");
    if (const int code = mend_short_file(); code != 0) return error(code, "inspect");
    MDB_stat stat{};
    mdb_env_stat(env_, &stat);
    TRY(check_commit_numbers(data_file(directory_), stat.ms_psize));
    int dead_readers = 0;
    if (const int code = mdb_reader_check(env_, &dead_readers); code != 0) {
        return error(code, "clear the readers of");
    }
    if (const int code = open_tables(options); code != 0) return error(code, "open the tables of");
    if (const int code = prepare_readers(options.hot_table); code != 0) return error(code, "read");
    return {};
}

/// LMDB would make the file anew, and what was lost would look empty.
Result<void> Environment::expect_data() const {
    struct stat status {};
    if (::stat(data_file(directory_).c_str(), &status) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) return error(errno, "open");
        return fail(ErrorCode::corrupt, "the database {} is missing: {}",
                    data_file(directory_).native(), kDamageRemedy);
    }
    if (status.st_size > 0) return {};
    return fail(ErrorCode::corrupt, "the database {} is empty: {}", data_file(directory_).native(),
                kDamageRemedy);
}

/// Reserves 1 TiB, or as much as the address space has room for. On media that cannot be written
/// it is opened for reading, without locks.
int Environment::open_map(const EnvironmentOptions& options) {
    unsigned flags =
        MDB_NOTLS | MDB_NORDAHEAD | (options.sync ? 0U : static_cast<unsigned>(MDB_NOSYNC));
    for (std::size_t map_bytes = kMapBytes;;) {
        if (const int code = mdb_env_create(&env_); code != 0) return code;
        mdb_env_set_userctx(env_, &damage_line_);
        mdb_env_set_assert(env_, [](MDB_env* env, const char*) {
            report_broken_database(*static_cast<const std::string*>(mdb_env_get_userctx(env)));
        });
        mdb_env_set_mapsize(env_, map_bytes);
        mdb_env_set_maxreaders(env_, kHostReadersMax);
        mdb_env_set_maxdbs(env_, static_cast<MDB_dbi>(options.tables.size()));
        const int code = mdb_env_open(env_, directory_.c_str(), flags, 0600);
        const bool is_refused = (code == EROFS || code == EACCES) && (flags & MDB_RDONLY) == 0;
        if (is_refused && is_on_read_only_media(directory_)) {
            flags |= MDB_RDONLY | MDB_NOLOCK;
        } else if (code == ENOMEM && map_bytes > kMapBytesMin) {
            map_bytes /= 4;
        } else {
            return code;
        }
        mdb_env_close(env_);
        env_ = nullptr;
    }
}

/// A file that lost its end would raise SIGBUS where LMDB reads behind it. As zeros the missing
/// part is found damaged like any other.
int Environment::mend_short_file() {
    MDB_envinfo info{};
    MDB_stat stat{};
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
    const auto pages_bytes = static_cast<off_t>((info.me_last_pgno + 1) * stat.ms_psize);
    struct stat status {};
    if (::stat(data_file(directory_).c_str(), &status) != 0) return errno;
    if (status.st_size >= pages_bytes) return 0;

    // Under the writers' lock: nobody is extending the file meanwhile.
    MDB_txn* lock = nullptr;
    if (const int code = mdb_txn_begin(env_, nullptr, 0, &lock); code != 0) {
        return code == EACCES ? MDB_CORRUPTED : code;  // opened for reading: it stays as it is
    }
    int code = 0;
    if (::stat(data_file(directory_).c_str(), &status) != 0) code = errno;
    if (code == 0 && status.st_size < pages_bytes &&
        ::truncate(data_file(directory_).c_str(), pages_bytes) != 0) {
        code = errno;
    }
    mdb_txn_abort(lock);
    return code;
}

int Environment::open_tables(const EnvironmentOptions& options) {
    MDB_txn* transaction = nullptr;
    const unsigned mode = options.create ? 0U : static_cast<unsigned>(MDB_RDONLY);
    if (const int code = mdb_txn_begin(env_, nullptr, mode, &transaction); code != 0) return code;
    handles_.resize(options.tables.size());
    for (std::size_t index = 0; index < handles_.size(); ++index) {
        const unsigned flags = options.create ? static_cast<unsigned>(MDB_CREATE) : 0U;
        const int code = mdb_dbi_open(transaction, options.tables[index], flags, &handles_[index]);
        if (code != 0) {
            mdb_txn_abort(transaction);
            return code;
        }
    }
    return mdb_txn_commit(transaction);
}

int Environment::prepare_readers(TableIndex hot_table) {
    for (Reader& reader : readers_) {
        if (const int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reader.transaction))
            return code;
        const int code = mdb_cursor_open(reader.transaction, handle(hot_table), &reader.hot_cursor);
        if (code != 0) return code;
        mdb_txn_reset(reader.transaction);
        reader.scratch = std::make_unique_for_overwrite<std::byte[]>(kUnitValueBytesMax);
    }
    return 0;
}

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
            if (code == 0) return ReadTransaction(*this, reader);
            mdb_txn_reset(reader.transaction);
        }
        reader.busy.store(false, std::memory_order_release);
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
        const DatabaseUse use(damage_line_);
        MDB_txn* raw = nullptr;
        code = mdb_txn_begin(env_, nullptr, 0, &raw);
        if (code == EACCES) code = EROFS;  // it was opened for reading
        if (code == 0) {
            WriteTransaction transaction(*this, raw);
            const Result<void> result = body(transaction);
            code = transaction.first_failure_;
            if (!result.ok() && code != MDB_MAP_FULL) return result.error();
            if (code == 0) code = transaction.commit();
        }
        // If that fails, the next writer tries it again.
        if (code != 0 && has_given_up()) static_cast<void>(reopen());
    }
    if (code == 0) return true;
    if ((code == MDB_MAP_FULL || code == MDB_MAP_RESIZED) && grow_map()) return false;
    return error(code, "write to");
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

/// What was committed before is whole, and is found by opening the environment again.
/// Requires: the writers' lock.
Result<void> Environment::reopen() {
    claim_all_readers();
    close();
    auto started = start(EnvironmentOptions(options_));
    if (!started.ok()) close();
    release_all_readers();
    TRACE(store, "reopened", directory_.native(), started.ok());
    return started;
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
           ::stat(data_file(directory_).c_str(), &status) == 0 &&
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
