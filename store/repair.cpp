#include "store/repair.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <unistd.h>

#include "store/internal/catalogue_salvage.hpp"
#include "store/internal/family_directory.hpp"
#include "store/internal/family_rebuild.hpp"
#include "store/internal/lmdb_store.hpp"

namespace sojourn::store {

namespace {

namespace fs = std::filesystem;

/// A folder that goes with all that is in it.
class ScratchFolder {
public:
    explicit ScratchFolder(fs::path path) : path_(std::move(path)) {}
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() { clear(); }

    [[nodiscard]] const fs::path& path() const { return path_; }
    Result<void> make() const {
        std::error_code problem;
        fs::create_directory(path_, problem);
        if (problem) return directory_error(problem.value(), "make", path_);
        return {};
    }
    void clear() const {
        std::error_code problem;
        fs::remove_all(path_, problem);
    }

private:
    fs::path path_;
};

Result<void> copy_over(const fs::path& from, const fs::path& to) {
    std::error_code problem;
    if (!fs::exists(from, problem)) return {};
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks, problem);
    if (problem) return fail_errno(problem.value(), "cannot copy {}", from.native());
    return {};
}

/// Everything below `directory`, which was made without waiting for the disk.
Result<void> sync_file_system(const fs::path& directory) {
    const UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.valid() || ::syncfs(opened.get()) != 0) {
        return directory_error(errno, "sync", directory);
    }
    return {};
}

std::uint64_t size_of(const fs::path& file) {
    std::error_code problem;
    const auto bytes = fs::file_size(file, problem);
    return problem ? 0 : bytes;
}

class StoreRepair {
public:
    StoreRepair(StorePaths damaged, fs::path into, Random& random,
                const std::function<void(std::uint64_t bytes)>& progress)
        : damaged_(std::move(damaged)),
          into_(std::move(into)),
          random_(random),
          progress_(progress) {}

    Result<RepairReport> run();

private:
    Result<void> read_catalogue();
    Result<std::vector<FamilyId>> families() const;
    Result<std::size_t> unit_bytes_of(const std::vector<FamilyId>& families) const;
    Result<void> repair(FamilyId id);
    Result<RebuiltFamily> rebuild(FamilyId id, const fs::path& directory);
    Result<void> adopt(FamilyId id, ProcessRecord process);
    void note_losses(const RebuiltFamily& family);
    [[nodiscard]] std::string name_of(ProcessId id) const;

    StorePaths damaged_;
    fs::path into_;
    Random& random_;
    const std::function<void(std::uint64_t bytes)>& progress_;
    SalvagedCatalogue catalogue_;
    std::vector<ByteVector> modules_;
    std::unique_ptr<LmdbStore> store_;
    std::map<ProcessId, std::string> names_;
    RepairReport report_;
};

Result<void> StoreRepair::read_catalogue() {
    catalogue_ = TRY(salvage_catalogue(damaged_.catalogue(), [this](Bytes module) -> Result<void> {
        modules_.emplace_back(module.begin(), module.end());
        return {};
    }));
    progress_(size_of(damaged_.catalogue() / "data.mdb"));
    for (const std::string& problem : catalogue_.problems)
        report_.problems.push_back({"", problem});
    for (const auto& [id, process] : catalogue_.processes)
        names_[id] = process.name;
    if (catalogue_.checkpoint_place.empty()) return {};
    return fail(ErrorCode::unsupported, "{} keeps its processes in {}: name that one",
                damaged_.root.native(), catalogue_.checkpoint_place);
}

/// Those that have a folder, or had one.
Result<std::vector<FamilyId>> StoreRepair::families() const {
    std::set<FamilyId> ids;
    std::error_code problem;
    for (fs::directory_iterator entry(damaged_.families(), problem), end; !problem && entry != end;
         entry.increment(problem)) {
        FamilyId id;
        if (from_hex(entry->path().filename().native(), id.bytes)) ids.insert(id);
    }
    if (problem) return directory_error(problem.value(), "read", damaged_.families());
    std::set<FamilyId> listed;
    for (const auto& [process, record] : catalogue_.processes)
        listed.insert(record.family);
    // What a complete catalogue does not name was being made, or removed.
    if (catalogue_.are_processes_complete) ids = listed;
    ids.insert(listed.begin(), listed.end());
    return std::vector(ids.begin(), ids.end());
}

/// By the catalogue, else by the first family that knows.
Result<std::size_t> StoreRepair::unit_bytes_of(const std::vector<FamilyId>& families) const {
    std::size_t bytes = catalogue_.unit_bytes;
    for (const FamilyId& id : families) {
        if (bytes != 0) break;
        const auto looked = salvage_database(
            damaged_.family(id) / "data.mdb",
            [&](std::string_view table, Bytes key, const ByteVector& value) -> Result<void> {
                if (table != "family" || as_text(key) != "family") return {};
                const auto record = decode_record<FamilyRecord>(value, "a family record");
                if (record.ok() && is_unit_bytes(record->unit_bytes)) bytes = record->unit_bytes;
                return {};
            });
        static_cast<void>(looked);  // its damage is told when it is its turn
    }
    if (bytes != 0) return bytes;
    return fail(ErrorCode::corrupt,
                "neither the catalogue nor a family of {} says how long its units are: there is "
                "nothing to bring back",
                damaged_.root.native());
}

std::string StoreRepair::name_of(ProcessId id) const {
    const auto name = names_.find(id);
    return name == names_.end() || name->second.empty() ? id.hex() : name->second;
}

Result<RebuiltFamily> StoreRepair::rebuild(FamilyId id, const fs::path& directory) {
    const ScratchFolder scratch(store_->paths().run() / ("salvage-" + id.hex()));
    TRY(scratch.make());
    const SalvagedFamily family =
        TRY(salvage_family(damaged_.family(id), scratch.path(), store_->unit_bytes()));
    KnownProcesses known;
    known.family = id;
    known.is_complete = catalogue_.are_processes_complete;
    std::string member;
    for (const auto& [process, record] : catalogue_.processes) {
        if (record.family != id) continue;
        known.names[process] = record.name;
        member = name_of(process);
    }
    for (const std::string& problem : family.problems)
        report_.problems.push_back({member.empty() ? "family " + id.hex() : member, problem});
    const auto environment =
        TRY(Environment::open(directory, family_environment_options(true, false)));
    return rebuild_family(family, known, *environment);
}

void StoreRepair::note_losses(const RebuiltFamily& family) {
    for (const RebuiltFamily::Loss& loss : family.lost)
        report_.lost.push_back({name_of(loss.process), loss.checkpoint, loss.why});
    for (const ProcessId& process : family.set_back)
        report_.set_back.push_back(name_of(process));
    for (const ProcessId& process : family.gone)
        report_.gone.push_back(name_of(process));
}

Result<void> StoreRepair::adopt(FamilyId id, ProcessRecord process) {
    TRY(copy_over(damaged_.file_history(id, process.id),
                  store_->paths().file_history(id, process.id)));
    ListedProcess listed{process.id, id, process.name};
    const auto grants = catalogue_.grants.find(process.id);
    const ByteVector granted = grants == catalogue_.grants.end() ? ByteVector() : grants->second;
    auto adopted = store_->adopt(listed, granted);
    if (!adopted.ok() && adopted.error().code == ErrorCode::already_exists) {
        report_.problems.push_back(
            {process.id.hex(), fmt::format("another process is called {} too", process.name)});
        listed.name.clear();
        adopted = store_->adopt(listed, granted);
    }
    ++report_.processes;
    return adopted;
}

Result<void> StoreRepair::repair(FamilyId id) {
    const auto directory = TRY(FamilyDirectory::create(store_->paths(), id));
    auto rebuilt = rebuild(id, directory.path());
    progress_(size_of(damaged_.family(id) / "data.mdb"));
    if (!rebuilt.ok() && rebuilt.error().code == ErrorCode::corrupt) {
        directory.remove();
        report_.problems.push_back({"family " + id.hex(), rebuilt.error().message});
        for (const auto& [process, record] : catalogue_.processes) {
            if (record.family == id) report_.gone.push_back(name_of(process));
        }
        return {};
    }
    if (!rebuilt.ok()) return rebuilt.error();
    for (const ProcessRecord& process : rebuilt->processes)
        names_.emplace(process.id, process.name);
    note_losses(*rebuilt);
    if (rebuilt->processes.empty()) {
        directory.remove();
        return {};
    }
    TRY(copy_over(damaged_.family(id) / "notes", directory.path() / "notes"));
    report_.checkpoints += rebuilt->checkpoints;
    for (const ProcessRecord& process : rebuilt->processes)
        TRY(adopt(id, process));
    return {};
}

Result<RepairReport> StoreRepair::run() {
    std::error_code problem;
    if (fs::exists(into_, problem)) {
        return fail(ErrorCode::already_exists, "{} is there: name a place for a new store",
                    into_.native());
    }
    const ScratchFolder unfinished(into_.native() + ".part");
    if (fs::exists(unfinished.path(), problem)) unfinished.clear();
    TRY(read_catalogue());
    const auto ids = TRY(families());
    OpenOptions options{.create = true, .sync = false, .unit_bytes = TRY(unit_bytes_of(ids))};
    store_ = TRY(LmdbStore::open(unfinished.path(), options, random_));
    for (const ByteVector& module : modules_)
        TRY(store_->put_module(module));
    for (const FamilyId& id : ids)
        TRY(repair(id));
    store_.reset();
    TRY(sync_file_system(unfinished.path()));
    fs::rename(unfinished.path(), into_, problem);
    if (problem) return directory_error(problem.value(), "make", into_);
    TRY(sync_directory(into_.parent_path()));
    return std::move(report_);
}

}  // namespace

Result<RepairReport> repair_store(const fs::path& damaged, const fs::path& into, Random& random,
                                  const std::function<void(std::uint64_t bytes)>& progress) {
    const StorePaths paths{fs::absolute(damaged).lexically_normal()};
    std::error_code problem;
    if (!fs::is_directory(paths.families(), problem)) {
        return fail(ErrorCode::not_found, "{} has no folder of families: it is no store",
                    paths.root.native());
    }
    return StoreRepair(paths, fs::absolute(into).lexically_normal(), random, progress).run();
}

}  // namespace sojourn::store
