#pragma once

#include <filesystem>

#include "base/file.hpp"
#include "store/store.hpp"

/// The directory of a store, before any database in it is opened.
namespace sojourn::store {

struct StorePaths {
    std::filesystem::path root;

    [[nodiscard]] std::filesystem::path format() const { return root / "format"; }
    [[nodiscard]] std::filesystem::path catalogue() const { return root / "catalogue"; }
    [[nodiscard]] std::filesystem::path families() const { return root / "families"; }
    [[nodiscard]] std::filesystem::path run() const { return root / "run"; }
    [[nodiscard]] std::filesystem::path code() const { return root / "code"; }
    [[nodiscard]] std::filesystem::path family(FamilyId id) const { return families() / id.hex(); }
    [[nodiscard]] std::filesystem::path file_history(FamilyId family_id, ProcessId process) const {
        return family(family_id) / ("files-" + process.hex());
    }
};

enum class StoreAge { existing, fresh };

/// Makes sure that `paths.root` is a store of this format on a file system that can carry one, or
/// with `create` an empty place for a fresh one, whose folders it makes.
/// Errors: not_found, unsupported, unsupported_format, corrupt, permission_denied, io.
Result<StoreAge> check_store_directory(const StorePaths& paths, bool create);

/// Marks a fresh store as complete. Until then opening it again starts over.
Result<void> write_store_format(const StorePaths& paths);

/// The Error for an errno of a call on a store's directory, with what to do about it.
Error directory_error(int problem, const char* attempt, const std::filesystem::path& path);

/// Invalid, and errno says why, where that fails.
UniqueFd open_directory(const std::filesystem::path& path);

bool is_on_read_only_media(const std::filesystem::path& path);

/// Makes what was created in or removed from `directory` durable.
Result<void> sync_directory(const std::filesystem::path& directory);

}  // namespace sojourn::store
