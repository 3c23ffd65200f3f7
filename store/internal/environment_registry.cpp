#include <condition_variable>
#include <fcntl.h>
#include <malloc.h>
#include <map>
#include <sys/stat.h>

#include "store/internal/environment.hpp"

namespace sojourn::store {

namespace {

using DirectoryId = std::pair<dev_t, ino_t>;

/// The environments that this host process has open. It belongs to the process, as the locks do
/// that it protects. An entry lasts until its environment is closed, which is later than the
/// moment its last user let go.
struct Registry {
    std::mutex mutex;
    std::condition_variable closed;
    std::map<DirectoryId, std::weak_ptr<Environment>> open;
};

Registry& registry() {
    static Registry instance;
    return instance;
}

/// LMDB clears 2 MiB for each environment and uses little of it. Once such a block has been freed,
/// glibc would take the next from its heap and touch all of it: a millisecond, unless the
/// threshold is pinned.
void keep_large_blocks_lazy() {
    static const bool pinned = ::mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1;
    static_cast<void>(pinned);  // without it everything works, slower
}

void close_and_forget(DirectoryId id, Environment* environment) {
    delete environment;
    const std::lock_guard lock(registry().mutex);
    registry().open.erase(id);
    registry().closed.notify_all();
}

}  // namespace

Result<std::shared_ptr<Environment>> Environment::open(const std::filesystem::path& directory,
                                                       const EnvironmentOptions& options) {
    UniqueFd pin(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat status {};
    if (!pin.valid() && (errno == ENOENT || errno == ENOTDIR)) {
        return fail(ErrorCode::corrupt, "the folder {} is missing: {}", directory.native(),
                    kDamageRemedy);
    }
    if (!pin.valid() || ::fstat(pin.get(), &status) != 0) {
        return fail_errno(errno, "cannot open {}", directory.native());
    }
    const DirectoryId id{status.st_dev, status.st_ino};

    std::unique_lock lock(registry().mutex);
    for (auto entry = registry().open.find(id); entry != registry().open.end();
         entry = registry().open.find(id)) {
        if (auto environment = entry->second.lock()) return environment;
        registry().closed.wait(lock);
    }
    keep_large_blocks_lazy();
    std::unique_ptr<Environment> fresh(new Environment(directory, options));
    fresh->pin_ = std::move(pin);
    TRY(fresh->start(options.create));
    std::shared_ptr<Environment> environment(
        fresh.release(), [id](Environment* last) { close_and_forget(id, last); });
    registry().open.emplace(id, environment);
    return environment;
}

}  // namespace sojourn::store
