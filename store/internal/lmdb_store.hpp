#pragma once

#include <map>
#include <mutex>

#include "store/internal/environment.hpp"
#include "store/internal/new_process.hpp"
#include "store/internal/store_directory.hpp"
#include "store/usage.hpp"

namespace sojourn::store {

class LmdbFamily;

/// A store in a directory (docs/formats/store.md). Borrows the random source for its life.
class LmdbStore final : public Store {
public:
    /// The store in this very directory, whatever it notes.
    static Result<std::unique_ptr<LmdbStore>> open(const std::filesystem::path& root,
                                                   const OpenOptions& options, Random& random);

    /// The checkpoint store that is noted here; empty: there is none.
    [[nodiscard]] const std::filesystem::path& checkpoint_place() const {
        return checkpoint_place_;
    }
    /// Errors: already_exists when there are processes here.
    Result<void> note_checkpoint_place(const std::filesystem::path& place);
    void keep_scratch_in(std::filesystem::path directory) { scratch_ = std::move(directory); }
    /// Where compiled code is; empty: nowhere. It need not be there.
    [[nodiscard]] const std::filesystem::path& code_directory() const { return code_; }
    void keep_code_in(std::filesystem::path directory) { code_ = std::move(directory); }

    std::size_t unit_bytes() const override { return unit_bytes_; }
    std::filesystem::path directory() const override { return paths_.root; }
    std::filesystem::path run_directory() const override { return paths_.run(); }
    std::filesystem::path scratch_directory() const override { return scratch_; }
    std::filesystem::path file_history_directory(const ProcessRecord& process) const override {
        return paths_.file_history(process.family, process.id);
    }
    Result<Sha256> put_module(Bytes module) override;
    Result<ByteVector> module(const Sha256& digest) const override;
    Result<std::unique_ptr<ProcessDraft>> draft_process(const NewProcess& process) override;
    Result<std::vector<ProcessRecord>> fork_process(const ProcessRecord& process,
                                                    Version checkpoint,
                                                    std::span<const NewProcess> copies) override;
    Result<ProcessRecord> find_process(const std::string& name_or_id) const override;
    Result<std::vector<ProcessRecord>> processes() const override;
    Result<std::vector<ProcessRecord>> listed() const override;
    Result<std::vector<std::string>> verify_catalogue() const override;
    Result<ByteVector> grants(ProcessId id) const override;
    Result<void> set_grants(ProcessId id, Bytes grants) override;
    Result<void> remove_process(ProcessId id) override;
    Result<std::shared_ptr<Family>> family(FamilyId id) override;

    struct CatalogueUsage {
        std::vector<ModuleUsage> modules;
        std::uint64_t free = 0;
    };
    Result<CatalogueUsage> catalogue_usage() const;
    /// The catalogue's, then each listed family's, then that of compiled code if it is sound.
    Result<void> for_each_database(
        const std::function<Result<void>(const Environment&)>& visit) const;
    Result<std::shared_ptr<LmdbFamily>> open_family(FamilyId id) const;
    [[nodiscard]] const StorePaths& paths() const { return paths_; }
    /// Lists a process whose family is there. Errors: already_exists (the name), store_full, io.
    Result<void> adopt(const ListedProcess& process, Bytes grants);

private:
    friend class LmdbDraft;

    LmdbStore(StorePaths paths, std::shared_ptr<Environment> catalogue, bool sync, Random& random)
        : paths_(std::move(paths)),
          catalogue_(std::move(catalogue)),
          sync_(sync),
          random_(&random),
          scratch_(paths_.run()),
          code_(paths_.code()) {}
    Result<void> start(StoreAge age, const OpenOptions& options);
    Result<std::vector<ListedProcess>> listed_now() const;
    Result<ProcessRecord> record_of(ProcessId id, FamilyId family) const;
    Result<void> make_visible(const ProcessRecord& process);
    Result<void> remove_unlisted_members(LmdbFamily& family, FamilyId id);
    Result<void> remove_orphaned_families();

    StorePaths paths_;
    std::shared_ptr<Environment> catalogue_;
    std::size_t unit_bytes_ = 0;
    bool sync_;
    Random* random_;
    std::filesystem::path scratch_;
    std::filesystem::path code_;
    std::filesystem::path checkpoint_place_;
    mutable std::mutex mutex_;  ///< guards what follows
    mutable std::map<FamilyId, std::weak_ptr<LmdbFamily>> families_;
    mutable std::shared_ptr<LmdbFamily> recent_;  ///< found first, lent out next: opened once
};

}  // namespace sojourn::store
