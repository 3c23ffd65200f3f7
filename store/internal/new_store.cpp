#include "store/internal/new_store.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace sojourn::store {

namespace {

/// All of them: which are new is not known any more once an earlier attempt was broken off.
Result<void> sync_ancestors(const std::filesystem::path& root) {
    for (auto path = root; path.has_relative_path(); path = path.parent_path()) {
        const UniqueFd parent = open_directory(path.parent_path());
        // One that cannot be read was not made for a store.
        if (!parent.valid()) return {};
        if (::fsync(parent.get()) != 0) {
            return fail_errno(errno, "cannot sync {}", path.parent_path().native());
        }
    }
    return {};
}

}  // namespace

Result<UniqueFd> lock_new_store(const StorePaths& paths) {
    UniqueFd root = open_directory(paths.root);
    while (root.valid() && ::flock(root.get(), LOCK_EX) != 0) {
        if (errno != EINTR) return fail_errno(errno, "cannot lock {}", paths.root.native());
    }
    if (!root.valid()) return fail_errno(errno, "cannot open {}", paths.root.native());
    return root;
}

void discard_unfinished_store(const StorePaths& paths) {
    // What cannot be removed is found when the catalogue is opened.
    ::unlink((paths.catalogue() / "data.mdb").c_str());
    ::unlink((paths.catalogue() / "lock.mdb").c_str());
}

Result<void> sync_new_store(const StorePaths& paths) {
    TRY(sync_directory(paths.catalogue()));
    TRY(sync_directory(paths.root));
    return sync_ancestors(paths.root);
}

}  // namespace sojourn::store
