#include "store/internal/memory_store.hpp"

#include <algorithm>

#include "store/internal/new_process.hpp"

namespace sojourn::store {

class MemoryDraft final : public ProcessDraft {
public:
    MemoryDraft(MemoryStore& store, const ProcessRecord& record)
        : store_(&store), record_(record), family_(std::make_shared<MemoryFamily>(record)) {
        record_.branch = BranchId{1};
    }

    const ProcessRecord& record() const override { return record_; }
    std::shared_ptr<Family> family() const override { return family_; }
    Result<void> publish() override {
        const std::lock_guard lock(store_->mutex_);
        TRY(store_->expect_name_free(record_.name));
        store_->processes_[record_.id] = {record_, family_};
        return {};
    }

private:
    MemoryStore* store_;
    ProcessRecord record_;
    std::shared_ptr<MemoryFamily> family_;
};

Result<Sha256> MemoryStore::put_module(Bytes module) {
    const Sha256 digest = sha256_of(module);
    const std::lock_guard lock(mutex_);
    modules_[digest].assign(module.begin(), module.end());
    return digest;
}

Result<ByteVector> MemoryStore::module(const Sha256& digest) const {
    const std::lock_guard lock(mutex_);
    const auto found = modules_.find(digest);
    if (found == modules_.end()) {
        return fail(ErrorCode::not_found, "the store has no module {}", digest.hex());
    }
    return found->second;
}

Result<void> MemoryStore::expect_name_free(const std::string& name) const {
    const bool taken = !name.empty() && std::ranges::any_of(processes_, [&](const auto& entry) {
        return entry.second.first.name == name;
    });
    if (!taken) return {};
    return name_taken(name);
}

Result<std::unique_ptr<ProcessDraft>> MemoryStore::draft_process(const NewProcess& process) {
    TRY(check_name(process.name));
    const std::lock_guard lock(mutex_);
    TRY(expect_name_free(process.name));
    return std::unique_ptr<ProcessDraft>(
        new MemoryDraft(*this, make_process_record(process, *random_)));
}

Result<std::vector<ProcessRecord>> MemoryStore::fork_process(const ProcessRecord& process,
                                                             Version checkpoint,
                                                             std::span<const NewProcess> copies) {
    const std::lock_guard lock(mutex_);
    const auto found = processes_.find(process.id);
    if (found == processes_.end())
        return fail(ErrorCode::not_found, "there is no process {}", process.id.hex());
    const Listed origin = found->second;
    std::vector<ProcessRecord> records;
    for (const NewProcess& copy : copies) {
        TRY(check_name(copy.name));
        TRY(expect_name_free(copy.name));
        const bool is_twice = std::ranges::count(copies, copy.name, &NewProcess::name) > 1;
        if (is_twice && !copy.name.empty()) return name_taken(copy.name);
        records.push_back(make_copy_record(copy, process.family, *random_));
    }
    TRY(origin.family->add_members(checkpoint, records));
    for (ProcessRecord& record : records) {
        processes_[record.id] = {record, origin.family, origin.grants};
        record = TRY(origin.family->process(record.id));
    }
    return records;
}

Result<ProcessRecord> MemoryStore::find_process(const std::string& name_or_id) const {
    const std::lock_guard lock(mutex_);
    std::vector<ListedProcess> listed;
    for (const auto& [id, process] : processes_) {
        listed.push_back({id, process.first.family, process.first.name});
    }
    const ListedProcess found = TRY(select_process(listed, name_or_id));
    return processes_.at(found.id).family->process(found.id);
}

Result<std::vector<ProcessRecord>> MemoryStore::listed() const {
    return processes();
}

Result<std::vector<std::string>> MemoryStore::verify_catalogue() const {
    return std::vector<std::string>();
}

Result<std::vector<ProcessRecord>> MemoryStore::processes() const {
    const std::lock_guard lock(mutex_);
    std::vector<ProcessRecord> records;
    for (const auto& [id, process] : processes_) {
        records.push_back(TRY(process.family->process(id)));
    }
    sort_by_age(records);
    return records;
}

Result<ByteVector> MemoryStore::grants(ProcessId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = processes_.find(id);
    if (found != processes_.end()) return found->second.grants;
    return fail(ErrorCode::not_found, "there is no process {}", id.hex());
}

Result<void> MemoryStore::set_grants(ProcessId id, Bytes grants) {
    const std::lock_guard lock(mutex_);
    const auto found = processes_.find(id);
    if (found == processes_.end())
        return fail(ErrorCode::not_found, "there is no process {}", id.hex());
    found->second.grants.assign(grants.begin(), grants.end());
    return {};
}

Result<void> MemoryStore::remove_process(ProcessId id) {
    const std::lock_guard lock(mutex_);
    const auto found = processes_.find(id);
    if (found == processes_.end())
        return fail(ErrorCode::not_found, "there is no process {}", id.hex());
    const auto family = found->second.family;
    processes_.erase(found);
    return family->remove_member(id);
}

Result<std::shared_ptr<Family>> MemoryStore::family(FamilyId id) {
    const std::lock_guard lock(mutex_);
    for (const auto& [process_id, process] : processes_) {
        if (process.first.family == id) return std::shared_ptr<Family>(process.family);
    }
    return fail(ErrorCode::not_found, "there is no family {}", id.hex());
}

}  // namespace sojourn::store
