#include "store/usage.hpp"

#include <algorithm>
#include <sys/stat.h>

#include "store/internal/code_tables.hpp"
#include "store/internal/lmdb_family.hpp"
#include "store/internal/lmdb_store.hpp"
#include "store/internal/page_survey.hpp"

namespace sojourn::store {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlockBytes = 512;  ///< of stat(2), whatever the file system has

struct FileSizes {
    std::uint64_t databases = 0;
    std::map<std::string, std::uint64_t> file_histories;  ///< by the name of the folder
    std::uint64_t other = 0;
    std::uint64_t allocated = 0;
};

/// `files-<process id>` when `path` lies in a folder of that name.
std::optional<std::string> history_folder(const fs::path& path, const fs::path& root) {
    for (const fs::path& part : path.lexically_relative(root)) {
        if (part.native().starts_with("files-")) return part.native();
    }
    return std::nullopt;
}

Result<FileSizes> measure_files(const fs::path& root) {
    FileSizes sizes;
    std::error_code problem;
    for (fs::recursive_directory_iterator entry(root, problem), end; !problem && entry != end;
         entry.increment(problem)) {
        struct stat status {};
        // What goes meanwhile occupies nothing.
        if (::lstat(entry->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        const auto size = static_cast<std::uint64_t>(status.st_size);
        const auto allocated = static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes;
        const std::uint64_t without_holes = std::min(size, allocated);
        sizes.allocated += allocated;
        if (const auto folder = history_folder(entry->path(), root)) {
            sizes.file_histories[*folder] += without_holes;
        } else if (entry->path().filename() == "data.mdb") {
            sizes.databases += size;
        } else {
            sizes.other += without_holes;
        }
    }
    if (problem) return fail_errno(problem.value(), "cannot look through {}", root.native());
    return sizes;
}

class StoreMeasure {
public:
    StoreMeasure(LmdbStore& store, const FindContents& find_contents)
        : store_(store), find_contents_(find_contents) {}

    Result<StoreUsage> run() {
        auto catalogue = TRY(store_.catalogue_usage());
        usage_.free = catalogue.free;
        usage_.all_modules = std::move(catalogue.modules);
        for (const ModuleUsage& module : usage_.all_modules)
            usage_.modules += module.bytes;
        for (const ProcessRecord& process : TRY(store_.listed()))
            TRY(add(process));
        files_ = TRY(measure_files(store_.directory()));
        TRY(add_code());
        add_files();
        return std::move(usage_);
    }

private:
    Result<const FamilyUsage*> usage_of(FamilyId id);
    Result<void> add(const ProcessRecord& process);
    Result<void> add_code();
    void add_files();

    LmdbStore& store_;
    const FindContents& find_contents_;
    std::map<FamilyId, FamilyUsage> families_;
    FileSizes files_;
    StoreUsage usage_;
};

Result<const FamilyUsage*> StoreMeasure::usage_of(FamilyId id) {
    const auto known = families_.find(id);
    if (known != families_.end()) return &known->second;
    const auto family = TRY(store_.open_family(id));
    FamilyUsage usage =
        TRY(family->usage([&](Version checkpoint) { return find_contents_(*family, checkpoint); }));
    usage_.memory += usage.memory;
    usage_.volumes += usage.volumes;
    usage_.machine_states += usage.machine_states;
    usage_.pending += usage.pending;
    usage_.free += usage.free;
    return &families_.emplace(id, std::move(usage)).first->second;
}

Result<void> StoreMeasure::add(const ProcessRecord& process) {
    const FamilyUsage* family = TRY(usage_of(process.family));
    const auto found = family->processes.find(process.id);
    ProcessUsage usage = found == family->processes.end() ? ProcessUsage() : found->second;
    usage.id = process.id;
    usage.family = process.family;
    usage.name = process.name;
    usage_.processes.push_back(std::move(usage));
    return {};
}

Result<void> StoreMeasure::add_code() {
    const auto environment = TRY(find_code(store_.code_directory()));
    if (!environment) return {};
    usage_.free += TRY(free_bytes(*environment));
    const auto transaction = TRY(environment->read());
    usage_.code = transaction.table_bytes(kCode) + transaction.table_bytes(kCodeUsed);
    if (store_.code_directory() != store_.paths().code()) {
        const FileSizes elsewhere = TRY(measure_files(store_.code_directory()));
        files_.databases += elsewhere.databases;
        files_.other += elsewhere.other;
        files_.allocated += elsewhere.allocated;
    }
    return {};
}

void StoreMeasure::add_files() {
    for (ProcessUsage& process : usage_.processes) {
        const auto folder = files_.file_histories.find("files-" + process.id.hex());
        if (folder != files_.file_histories.end()) process.file_history_bytes = folder->second;
    }
    for (const auto& [folder, bytes] : files_.file_histories)
        usage_.file_history += bytes;
    const std::uint64_t known = usage_.memory + usage_.volumes + usage_.machine_states +
                                usage_.modules + usage_.code + usage_.pending + usage_.free;
    usage_.structure = files_.databases - std::min(files_.databases, known);
    usage_.other = files_.other;
    usage_.files = files_.databases + usage_.file_history + files_.other;
    usage_.allocated = files_.allocated;
}

}  // namespace

Result<StoreUsage> measure_usage(Store& store, const FindContents& find_contents) {
    auto* directory = dynamic_cast<LmdbStore*>(&store);
    EXPECTS(directory != nullptr, "a store in memory has no files");
    return StoreMeasure(*directory, find_contents).run();
}

}  // namespace sojourn::store
