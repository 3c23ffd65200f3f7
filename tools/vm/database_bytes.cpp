#include "tools/vm/database_bytes.hpp"

namespace sojourn::tools {

std::uint64_t database_bytes(const std::filesystem::path& store) {
    std::uint64_t bytes = 0;
    std::error_code problem;
    for (std::filesystem::recursive_directory_iterator entry(store, problem), end;
         !problem && entry != end; entry.increment(problem)) {
        std::error_code gone;
        if (entry->path().filename() != "data.mdb") continue;
        const auto size = std::filesystem::file_size(entry->path(), gone);
        if (!gone) bytes += size;
    }
    return bytes;
}

}  // namespace sojourn::tools
