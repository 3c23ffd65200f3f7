#include <cerrno>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "store/internal/environment.hpp"

/// The parts of Environment that are about its file being replaced by a compacted one.
///
/// LMDB has the number of the newest commit, and the lock of those who write, in lock.mdb, which
/// stays. The new file goes on counting, so that both fit it. Whoever has the old file open may
/// begin to read it, but must not begin to write: where a writer has died, the next one takes the
/// number from its own file.
namespace sojourn::store {

Result<WritersLock> WritersLock::take(int file) {
    while (::flock(file, LOCK_EX) != 0) {
        if (errno != EINTR) return fail_errno(errno, "cannot lock a database");
    }
    return WritersLock(file);
}

WritersLock::~WritersLock() {
    if (file_ >= 0) ::flock(file_, LOCK_UN);
}

int Environment::descriptor() const {
    int file = -1;
    mdb_env_get_fd(env_, &file);
    return file;
}

bool Environment::is_replaced() const {
    struct stat opened {};
    struct stat named {};
    return ::fstat(descriptor(), &opened) == 0 && ::stat(data_file_.c_str(), &named) == 0 &&
           (opened.st_ino != named.st_ino || opened.st_dev != named.st_dev);
}

/// Whether somebody has written since the file was replaced: the number of the commit that is to be
/// read is of the new file.
bool Environment::is_outdated(const Reader& reader) const {
    MDB_envinfo info{};
    mdb_env_info(env_, &info);
    return mdb_txn_id(reader.transaction) > info.me_last_txnid && is_replaced();
}

Result<void> Environment::follow_replacement() const {
    const std::lock_guard lock(writer_);
    if (env_ == nullptr || !is_replaced()) return {};
    return reopen();
}

/// Of the file that is the environment's by then. Requires: writer_ is held.
Result<WritersLock> Environment::lock_writers() const {
    for (;;) {
        {
            WritersLock writers = TRY(WritersLock::take(descriptor()));
            if (!is_replaced()) return writers;
        }
        TRY(reopen());
    }
}

Result<void> Environment::exclude_writers(const std::function<Result<void>()>& body) const {
    const std::lock_guard lock(writer_);
    if (env_ == nullptr) TRY(reopen());
    {
        const WritersLock writers = TRY(lock_writers());
        TRY(body());
    }
    return is_replaced() ? reopen() : Result<void>();
}

Result<void> Environment::copy_compacted(int file) const {
    const DatabaseUse use(damage_line_);
    MDB_envinfo info{};
    MDB_stat stat{};
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
    // Where pages lie beside each other, they are read at once.
    const std::size_t bytes = (info.me_last_pgno + 1) * stat.ms_psize;
    ::madvise(info.me_mapaddr, bytes, MADV_NORMAL);
    const int code = mdb_env_copyfd2(env_, file, MDB_CP_COMPACT);
    ::madvise(info.me_mapaddr, bytes, MADV_RANDOM);
    return code == 0 ? Result<void>() : error(code, "copy");
}

}  // namespace sojourn::store
