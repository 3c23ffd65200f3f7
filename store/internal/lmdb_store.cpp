#include "store/internal/lmdb_store.hpp"

#include <algorithm>

#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "store/internal/catalogue.hpp"
#include "store/internal/code_tables.hpp"
#include "store/internal/family_directory.hpp"
#include "store/internal/lmdb_family.hpp"
#include "store/internal/new_process.hpp"
#include "store/internal/new_store.hpp"
#include "store/internal/page_survey.hpp"

namespace sojourn::store {

/// A family whose directory the catalogue does not name yet.
class LmdbDraft final : public ProcessDraft {
public:
    LmdbDraft(LmdbStore& store, FamilyDirectory directory, ProcessRecord record,
              std::shared_ptr<LmdbFamily> family)
        : store_(&store),
          directory_(std::move(directory)),
          record_(std::move(record)),
          family_(std::move(family)) {}
    ~LmdbDraft() override {
        if (!published_) directory_.remove();
    }

    const ProcessRecord& record() const override { return record_; }
    std::shared_ptr<Family> family() const override { return family_; }
    Result<void> publish() override {
        EXPECTS(!published_, "a draft is published once");
        TRY(store_->make_visible(record_));
        published_ = true;
        return {};
    }

private:
    LmdbStore* store_;
    FamilyDirectory directory_;
    ProcessRecord record_;
    std::shared_ptr<LmdbFamily> family_;
    bool published_ = false;
};

Result<std::unique_ptr<LmdbStore>> LmdbStore::open(const std::filesystem::path& root,
                                                   const OpenOptions& options, Random& random) {
    StorePaths paths{std::filesystem::absolute(root).lexically_normal()};
    StoreAge age = TRY(check_store_directory(paths, options.create));
    UniqueFd making;
    if (age == StoreAge::fresh) {
        making = TRY(lock_new_store(paths));
        // Somebody else may have finished it meanwhile.
        age = TRY(check_store_directory(paths, options.create));
        if (age == StoreAge::fresh) discard_unfinished_store(paths);
    }
    auto catalogue = TRY(Environment::open(
        paths.catalogue(), catalogue_environment_options(age == StoreAge::fresh, options.sync)));
    std::unique_ptr<LmdbStore> store(
        new LmdbStore(std::move(paths), std::move(catalogue), options.sync, random));
    TRY(store->start(age, options));
    return store;
}

Result<void> LmdbStore::start(StoreAge age, const OpenOptions& options) {
    if (age == StoreAge::fresh) {
        CatalogueRecord fresh;
        fresh.unit_bytes = static_cast<std::uint32_t>(options.unit_bytes);
        random_->fill(fresh.node.bytes);
        TRY(catalogue_->write(
            [&](WriteTransaction& transaction) { return found_catalogue(transaction, fresh); }));
        if (sync_) TRY(sync_new_store(paths_));
        TRY(write_store_format(paths_));
    }
    const auto transaction = TRY(catalogue_->read());
    const auto record = TRY(read_catalogue_record(transaction));
    unit_bytes_ = record.unit_bytes;
    checkpoint_place_ = TRY(read_checkpoint_place(transaction));
    return {};
}

Result<void> LmdbStore::note_checkpoint_place(const std::filesystem::path& place) {
    TRY(catalogue_->write([&](WriteTransaction& transaction) {
        return write_checkpoint_place(transaction, place.native());
    }));
    checkpoint_place_ = place;
    return {};
}

Result<Sha256> LmdbStore::put_module(Bytes module) {
    const Sha256 digest = sha256_of(module);
    {
        const auto transaction = TRY(catalogue_->read());
        if (TRY(has_module(transaction, digest))) return digest;
    }
    const ByteVector value = TRY(encode_module(module));
    TRY(catalogue_->write(
        [&](WriteTransaction& transaction) { return write_module(transaction, digest, value); }));
    return digest;
}

Result<ByteVector> LmdbStore::module(const Sha256& digest) const {
    const auto transaction = TRY(catalogue_->read());
    return read_module(transaction, digest);
}

Result<std::unique_ptr<ProcessDraft>> LmdbStore::draft_process(const NewProcess& process) {
    TRY(check_name(process.name));
    {
        const auto transaction = TRY(catalogue_->read());
        TRY(expect_name_free(transaction, process.name));
    }
    const ProcessRecord record = make_process_record(process, *random_);
    auto directory = TRY(FamilyDirectory::create(paths_, record.family));
    auto created = LmdbFamily::create(directory.path(), record, unit_bytes_, sync_);
    if (!created.ok()) {
        directory.remove();
        return created.error();
    }
    const auto kept = TRY((*created)->process(record.id));
    return std::unique_ptr<ProcessDraft>(
        new LmdbDraft(*this, std::move(directory), kept, *std::move(created)));
}

Result<void> LmdbStore::make_visible(const ProcessRecord& process) {
    if (sync_) {
        TRY(sync_directory(paths_.family(process.family)));
        TRY(sync_directory(paths_.families()));
    }
    TRY(catalogue_->write([&](WriteTransaction& transaction) {
        return list_process(transaction, {process.id, process.family, process.name});
    }));
    TRACE(store, "process_created", process.id.hex(), process.name);
    return {};
}

Result<void> LmdbStore::adopt(const ListedProcess& process, Bytes grants) {
    return catalogue_->write([&](WriteTransaction& transaction) -> Result<void> {
        TRY(list_process(transaction, process));
        return grants.empty() ? Result<void>() : write_grants(transaction, process.id, grants);
    });
}

Result<std::vector<ProcessRecord>> LmdbStore::fork_process(const ProcessRecord& process,
                                                           Version checkpoint,
                                                           std::span<const NewProcess> copies) {
    std::vector<ProcessRecord> records;
    for (const NewProcess& copy : copies) {
        TRY(check_name(copy.name));
        records.push_back(make_copy_record(copy, process.family, *random_));
    }
    const auto family = TRY(open_family(process.family));
    TRY(remove_unlisted_members(*family, process.family));
    // The family has them first, durably: what is listed is there. Until the catalogue's
    // transaction ends nobody else can take them for left behind.
    const auto listed = catalogue_->write([&](WriteTransaction& transaction) -> Result<void> {
        const ByteVector grants = TRY(read_grants(transaction, process.id));
        for (const ProcessRecord& record : records) {
            TRY(list_process(transaction, {record.id, record.family, record.name}));
            if (!grants.empty()) TRY(write_grants(transaction, record.id, grants));
        }
        TRY(family->add_members(checkpoint, records));
        FAULT_POINT(store_fork_before_commit);
        return {};
    });
    if (!listed.ok()) {
        static_cast<void>(remove_unlisted_members(*family, process.family));
        return listed.error();
    }
    for (ProcessRecord& record : records) {
        record = TRY(family->process(record.id));
        TRACE(store, "process_forked", record.id.hex(), record.name, process.id.hex());
    }
    return records;
}

/// What a fork or a removal that was broken off has left in a family, or this one has just
/// unlisted.
Result<void> LmdbStore::remove_unlisted_members(LmdbFamily& family, FamilyId id) {
    std::vector<ProcessId> unlisted;
    // Under the lock of those who write, no fork is under way.
    const auto compared = catalogue_->write([&](WriteTransaction& transaction) -> Result<void> {
        unlisted = TRY(family.members());
        for (const ListedProcess& process : TRY(listed_processes(transaction))) {
            if (process.family == id) std::erase(unlisted, process.id);
        }
        return {};
    });
    if (!compared.ok()) return compared;
    for (const ProcessId process : unlisted)
        TRY(family.remove_member(process));
    return {};
}

Result<std::vector<ListedProcess>> LmdbStore::listed_now() const {
    const auto transaction = TRY(catalogue_->read());
    return listed_processes(transaction);
}

Result<ProcessRecord> LmdbStore::record_of(ProcessId id, FamilyId family) const {
    const auto opened = TRY(open_family(family));
    return opened->process(id);
}

Result<ProcessRecord> LmdbStore::find_process(const std::string& name_or_id) const {
    const auto listed = TRY(listed_now());
    const ListedProcess found = TRY(select_process(listed, name_or_id));
    return record_of(found.id, found.family);
}

Result<std::vector<ProcessRecord>> LmdbStore::processes() const {
    std::vector<ProcessRecord> records;
    for (const ListedProcess& listed : TRY(listed_now())) {
        auto record = record_of(listed.id, listed.family);
        // Removed by another host process after it was listed.
        if (!record.ok() && record.error().code == ErrorCode::not_found) continue;
        if (!record.ok()) return record.error();
        records.push_back(*std::move(record));
    }
    sort_by_age(records);
    return records;
}

Result<std::vector<ProcessRecord>> LmdbStore::listed() const {
    std::vector<ProcessRecord> records;
    for (const ListedProcess& listed : TRY(listed_now())) {
        ProcessRecord record;
        record.id = listed.id;
        record.family = listed.family;
        record.name = listed.name;
        records.push_back(std::move(record));
    }
    return records;
}

Result<std::vector<std::string>> LmdbStore::verify_catalogue() const {
    auto problems = TRY(survey_pages(*catalogue_)).problems;
    const auto transaction = TRY(catalogue_->read());
    std::ranges::move(TRY(store::verify_catalogue(transaction)), std::back_inserter(problems));
    const auto code = open_code(code_);
    if (!code.ok() && code.error().code == ErrorCode::corrupt) {
        problems.push_back(fmt::format("{}; no process is touched, compiled code is made anew",
                                       code.error().message));
    }
    return problems;
}

Result<LmdbStore::CatalogueUsage> LmdbStore::catalogue_usage() const {
    CatalogueUsage usage;
    {
        const auto transaction = TRY(catalogue_->read());
        usage.modules = TRY(listed_modules(transaction));
    }
    usage.free = TRY(free_bytes(*catalogue_));
    return usage;
}

Result<void> LmdbStore::for_each_database(
    const std::function<Result<void>(const Environment&)>& visit) const {
    TRY(visit(*catalogue_));
    std::set<FamilyId> families;
    for (const ListedProcess& process : TRY(listed_now()))
        families.insert(process.family);
    for (const FamilyId& id : families) {
        const auto family = open_family(id);
        // Removed by another host process after it was listed.
        if (!family.ok() && family.error().code == ErrorCode::not_found) continue;
        if (!family.ok()) return family.error();
        TRY(visit((*family)->environment()));
    }
    const auto code = TRY(find_code(code_));
    return code ? visit(*code) : Result<void>();
}

Result<ByteVector> LmdbStore::grants(ProcessId id) const {
    const auto transaction = TRY(catalogue_->read());
    return read_grants(transaction, id);
}

Result<void> LmdbStore::set_grants(ProcessId id, Bytes grants) {
    TRY(catalogue_->write(
        [&](WriteTransaction& transaction) { return write_grants(transaction, id, grants); }));
    return {};
}

Result<void> LmdbStore::remove_process(ProcessId id) {
    UnlistedProcess unlisted;
    const auto removed = catalogue_->write([&](WriteTransaction& transaction) -> Result<void> {
        unlisted = TRY(unlist_process(transaction, id));
        return {};
    });
    if (!removed.ok()) return removed;
    if (unlisted.is_last_of_family) {
        remove_family_files(paths_, unlisted.family);
        const std::lock_guard lock(mutex_);
        families_.erase(unlisted.family);
        recent_.reset();
    } else {
        std::error_code problem;
        std::filesystem::remove_all(paths_.file_history(unlisted.family, id), problem);
        const auto family = open_family(unlisted.family);
        const auto cleared = family.ok() ? remove_unlisted_members(**family, unlisted.family)
                                         : Result<void>(family.error());
        // What of it can't be removed now goes with the next process of the family.
        if (!cleared.ok()) TRACE(store, "member_stays", id.hex(), cleared.error().message);
    }
    return remove_orphaned_families();
}

Result<void> LmdbStore::remove_orphaned_families() {
    return remove_orphans(paths_, [this](FamilyId family) -> Result<bool> {
        const auto transaction = TRY(catalogue_->read());
        const auto families = TRY(listed_families(transaction));
        return families.contains(family);
    });
}

Result<std::shared_ptr<Family>> LmdbStore::family(FamilyId id) {
    return std::shared_ptr<Family>(TRY(open_family(id)));
}

Result<std::shared_ptr<LmdbFamily>> LmdbStore::open_family(FamilyId id) const {
    const std::lock_guard lock(mutex_);
    if (auto family = families_[id].lock()) return recent_ = family;
    auto family = LmdbFamily::open(paths_.family(id), sync_);
    if (!family.ok()) {
        // Another host process may have removed it: it is unlisted before its files go.
        const auto transaction = TRY(catalogue_->read());
        const auto families = TRY(listed_families(transaction));
        if (families.contains(id)) return family.error();
        return fail(ErrorCode::not_found, "there is no family {}", id.hex());
    }
    families_[id] = *family;
    return recent_ = *family;
}

}  // namespace sojourn::store
