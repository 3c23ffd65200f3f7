#pragma once

#include <functional>

#include "base/file.hpp"
#include "store/internal/store_directory.hpp"

/// The folders of families: their making, their removal, and what a crash left of either.
namespace sojourn::store {

/// The folder of a family that is being made. Locked while this lives, so that nobody takes it for
/// left behind.
class FamilyDirectory {
public:
    static Result<FamilyDirectory> create(const StorePaths& paths, FamilyId id);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Removes it with all that is in it.
    void remove() const;

private:
    FamilyDirectory(std::filesystem::path path, UniqueFd lock)
        : path_(std::move(path)), lock_(std::move(lock)) {}

    std::filesystem::path path_;
    UniqueFd lock_;
};

void remove_family_files(const StorePaths& paths, FamilyId id);

/// Removes the folders of families that `is_listed` denies and that nobody is making.
Result<void> remove_orphans(const StorePaths& paths,
                            const std::function<Result<bool>(FamilyId id)>& is_listed);

}  // namespace sojourn::store
