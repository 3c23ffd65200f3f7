#include "store/internal/family_directory.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/trace.hpp"

namespace sojourn::store {

namespace {

namespace fs = std::filesystem;

/// A family is listed, or its folder locked, within moments of the folder's making.
constexpr auto kOrphanAgeMin = std::chrono::minutes(1);

void remove_files(const fs::path& path) {
    std::error_code problem;  // what stays behind is an orphan, and removed as one later
    fs::remove_all(path, problem);
}

bool is_old(const fs::path& path) {
    std::error_code problem;
    const auto changed = fs::last_write_time(path, problem);
    return !problem && fs::file_time_type::clock::now() - changed > kOrphanAgeMin;
}

}  // namespace

Result<FamilyDirectory> FamilyDirectory::create(const StorePaths& paths, FamilyId id) {
    const fs::path path = paths.family(id);
    if (::mkdir(path.c_str(), 0700) != 0) return directory_error(errno, "make", path);
    UniqueFd lock = open_directory(path);
    if (!lock.valid() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return fail_errno(errno, "cannot lock {}", path.native());
    }
    return FamilyDirectory(path, std::move(lock));
}

void FamilyDirectory::remove() const {
    remove_files(path_);
}

void remove_family_files(const StorePaths& paths, FamilyId id) {
    remove_files(paths.family(id));
}

Result<void> remove_orphans(const StorePaths& paths,
                            const std::function<Result<bool>(FamilyId id)>& is_listed) {
    std::error_code problem;
    for (fs::directory_iterator entry(paths.families(), problem), end; !problem && entry != end;
         entry.increment(problem)) {
        const fs::path path = entry->path();
        FamilyId id;
        if (!from_hex(path.filename().native(), id.bytes)) continue;
        const UniqueFd lock = open_directory(path);
        if (!lock.valid() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
        // Asked under the lock: its maker lists a family before letting go of the folder.
        if (!is_old(path) || TRY(is_listed(id))) continue;
        TRACE(store, "orphan_removed", path.native());
        remove_files(path);
    }
    if (problem) return fail_errno(problem.value(), "cannot read {}", paths.families().native());
    return {};
}

}  // namespace sojourn::store
