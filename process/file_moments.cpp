#include "process/file_moments.hpp"

#include <sys/stat.h>

#include "process/process.hpp"

namespace sojourn::process {

namespace fs = std::filesystem;

Result<std::optional<leases::HistoryPosition>> oldest_file_moment(const store::Family& family,
                                                                  store::ProcessId process) {
    // Numbers of checkpoints and of records grow together.
    for (const store::CheckpointInfo& info : TRY(family.checkpoints(process))) {
        if (info.process != process) continue;
        const FileMoment moment = TRY(file_moment_of(family, info.id));
        // What it has from a process that was removed is no moment of its own files.
        if (moment.process == process)
            return std::optional(leases::HistoryPosition{moment.position});
    }
    return std::optional<leases::HistoryPosition>();
}

Result<void> drop_old_file_history(store::Store& store, const store::ProcessRecord& process) {
    const fs::path directory = store.file_history_directory(process);
    std::error_code problem;
    if (directory.empty() || !fs::exists(directory, problem)) return {};
    const auto family = TRY(store.family(process.family));
    const auto oldest = TRY(oldest_file_moment(*family, process.id));
    if (!oldest) return {};
    const auto history = TRY(leases::FileHistory::open(directory));
    return history->drop_before(*oldest);
}

std::uint64_t file_history_bytes(const store::Store& store, const store::ProcessRecord& process) {
    const fs::path directory = store.file_history_directory(process);
    const DetachedFiles words = detached_files(store, process);
    std::uint64_t bytes = 0;
    std::error_code problem;
    if (directory.empty()) return bytes;
    for (fs::recursive_directory_iterator entry(directory, problem), end; !problem && entry != end;
         entry.increment(problem)) {
        struct stat status {};
        if (entry->path() == words.log || entry->path() == words.runner) continue;
        if (::lstat(entry->path().c_str(), &status) == 0 && S_ISREG(status.st_mode))
            bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
    return bytes;
}

}  // namespace sojourn::process
