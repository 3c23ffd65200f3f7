#pragma once

#include <map>
#include <mutex>

#include "store/internal/memory_family.hpp"
#include "store/store.hpp"

namespace sojourn::store {

/// A store that lives as long as this object. Borrows the random source for its life.
class MemoryStore final : public Store {
public:
    MemoryStore(std::size_t unit_bytes, Random& random)
        : unit_bytes_(unit_bytes), random_(&random) {}

    std::size_t unit_bytes() const override { return unit_bytes_; }
    std::filesystem::path directory() const override { return {}; }
    std::filesystem::path run_directory() const override { return {}; }
    std::filesystem::path scratch_directory() const override { return {}; }
    std::filesystem::path file_history_directory(const ProcessRecord&) const override { return {}; }
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

private:
    friend class MemoryDraft;

    struct Listed {
        ProcessRecord first;  ///< as created: ids and name never change
        std::shared_ptr<MemoryFamily> family;
        ByteVector grants = {};
    };
    Result<void> expect_name_free(const std::string& name) const;  ///< requires mutex_ held

    std::size_t unit_bytes_;
    Random* random_;
    mutable std::mutex mutex_;
    std::map<ProcessId, Listed> processes_;
    std::map<Sha256, ByteVector> modules_;
};

}  // namespace sojourn::store
