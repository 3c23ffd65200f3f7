#include <sys/stat.h>
#include <unistd.h>

#include "base/trace.hpp"
#include "store/internal/commit_numbers.hpp"
#include "store/internal/environment.hpp"
#include "store/internal/store_directory.hpp"
#include "store/unit_codec.hpp"

/// The parts of Environment that open and close it.
namespace sojourn::store {

namespace {

constexpr std::size_t kMapBytesMin = std::size_t{1} << 26;

}  // namespace

Environment::Environment(std::filesystem::path directory, EnvironmentOptions options)
    : directory_(std::move(directory)),
      data_file_(directory_ / "data.mdb"),
      damage_line_(fmt::format("corrupt data: the database {} is damaged: vm store verify tells "
                               "what else is; {}\n",
                               data_file_.native(), kDamageRemedy)),
      options_(std::move(options)) {}

Environment::~Environment() {
    close();
}

void Environment::close() const {
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

/// What was committed before is whole, and is found by opening the environment again.
/// Requires: writer_ is held.
Result<void> Environment::reopen() const {
    claim_all_readers();
    close();
    auto started = start(false);
    if (!started.ok()) close();
    release_all_readers();
    TRACE(store, "reopened", directory_.native(), started.ok());
    return started;
}

Result<void> Environment::start(bool create) const {
    const DatabaseUse use(damage_line_);
    if (!create) TRY(expect_data());
    if (const int code = open_newest_map(); code != 0) return error(code, "open");
    TRY(mend_short_file());
    MDB_stat stat{};
    mdb_env_stat(env_, &stat);
    TRY(check_commit_numbers(data_file_, stat.ms_psize));
    int dead_readers = 0;
    if (const int code = mdb_reader_check(env_, &dead_readers); code != 0) {
        return error(code, "clear the readers of");
    }
    std::optional<WritersLock> writers;
    if (create) writers.emplace(TRY(WritersLock::take(descriptor())));
    if (const int code = open_tables(create); code != 0) return error(code, "open the tables of");
    if (const int code = prepare_readers(); code != 0) return error(code, "read");
    return {};
}

/// LMDB would make the file anew, and what was lost would look empty.
Result<void> Environment::expect_data() const {
    struct stat status {};
    if (::stat(data_file_.c_str(), &status) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) return error(errno, "open");
        return fail(ErrorCode::corrupt, "the database {} is missing: {}", data_file_.native(),
                    kDamageRemedy);
    }
    if (status.st_size > 0) return {};
    return fail(ErrorCode::corrupt, "the database {} is empty: {}", data_file_.native(),
                kDamageRemedy);
}

/// Reserves 1 TiB, or as much as the address space has room for. On media that cannot be written
/// it is opened for reading, without locks.
int Environment::open_map() const {
    unsigned flags =
        MDB_NOTLS | MDB_NORDAHEAD | (options_.sync ? 0U : static_cast<unsigned>(MDB_NOSYNC));
    for (std::size_t map_bytes = kMapBytes;;) {
        if (const int code = mdb_env_create(&env_); code != 0) return code;
        mdb_env_set_userctx(env_, const_cast<std::string*>(&damage_line_));
        mdb_env_set_assert(env_, [](MDB_env* env, const char*) {
            report_broken_database(*static_cast<const std::string*>(mdb_env_get_userctx(env)));
        });
        mdb_env_set_mapsize(env_, map_bytes);
        mdb_env_set_maxreaders(env_, kHostReadersMax);
        mdb_env_set_maxdbs(env_, static_cast<MDB_dbi>(options_.tables.size()));
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

/// LMDB opens the file by its name twice, for what is written and for what is synced at once. One
/// that has its name still when both are done was opened both times.
int Environment::open_newest_map() const {
    for (;;) {
        const int code = open_map();
        if (code != 0 || !is_replaced()) return code;
        close();
    }
}

/// A file that lost its end would raise SIGBUS where LMDB reads behind it. As zeros the missing
/// part is found damaged like any other.
Result<void> Environment::mend_short_file() const {
    MDB_envinfo info{};
    MDB_stat stat{};
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
    const auto pages_bytes = static_cast<off_t>((info.me_last_pgno + 1) * stat.ms_psize);
    struct stat status {};
    if (::fstat(descriptor(), &status) != 0) return error(errno, "inspect");
    if (status.st_size >= pages_bytes) return {};

    unsigned flags = 0;
    mdb_env_get_flags(env_, &flags);
    if ((flags & MDB_RDONLY) != 0) return error(MDB_CORRUPTED, "inspect");
    // Nobody is extending the file meanwhile.
    const WritersLock writers = TRY(WritersLock::take(descriptor()));
    if (::fstat(descriptor(), &status) != 0) return error(errno, "inspect");
    if (status.st_size < pages_bytes && ::ftruncate(descriptor(), pages_bytes) != 0) {
        return error(errno, "extend");
    }
    return {};
}

int Environment::open_tables(bool create) const {
    MDB_txn* transaction = nullptr;
    const unsigned mode = create ? 0U : static_cast<unsigned>(MDB_RDONLY);
    if (const int code = mdb_txn_begin(env_, nullptr, mode, &transaction); code != 0) return code;
    handles_.resize(options_.tables.size());
    for (std::size_t index = 0; index < handles_.size(); ++index) {
        const unsigned flags = create ? static_cast<unsigned>(MDB_CREATE) : 0U;
        const int code = mdb_dbi_open(transaction, options_.tables[index], flags, &handles_[index]);
        if (code != 0) {
            mdb_txn_abort(transaction);
            return code;
        }
    }
    return mdb_txn_commit(transaction);
}

int Environment::prepare_readers() const {
    for (Reader& reader : readers_) {
        if (const int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reader.transaction))
            return code;
        const int code =
            mdb_cursor_open(reader.transaction, handle(options_.hot_table), &reader.hot_cursor);
        if (code != 0) return code;
        mdb_txn_reset(reader.transaction);
        reader.scratch = std::make_unique_for_overwrite<std::byte[]>(kUnitValueBytesMax);
    }
    return 0;
}

}  // namespace sojourn::store
