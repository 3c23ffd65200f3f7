#pragma once

#include <optional>
#include <set>

#include "store/internal/environment.hpp"
#include "store/internal/new_process.hpp"
#include "store/usage.hpp"

/// The tables of the catalogue (docs/formats/store.md).
namespace sojourn::store {

struct CatalogueRecord {
    std::array<char, 8> magic{'S', 'O', 'J', 'O', 'U', 'R', 'N', 'S'};
    std::uint32_t format = 1;
    std::uint32_t unit_bytes = 0;
    Id128 node;
};
static_assert(sizeof(CatalogueRecord) == 32);

inline constexpr std::string_view kGrantsPrefix = "grants ";

/// An entry of the table of processes. Errors: corrupt.
Result<ListedProcess> decode_listed(Bytes key, Bytes value);

EnvironmentOptions catalogue_environment_options(bool create, bool sync);

/// Writes `record` unless there is one: two host processes may make a store at once.
Result<void> found_catalogue(WriteTransaction& transaction, const CatalogueRecord& record);
/// Errors: corrupt, unsupported_format.
Result<CatalogueRecord> read_catalogue_record(const Transaction& transaction);

/// The directory of the checkpoint store; empty when the processes are here.
Result<std::string> read_checkpoint_place(const Transaction& transaction);
/// From now on no process is listed here. Errors: already_exists when one is.
Result<void> write_checkpoint_place(WriteTransaction& transaction, const std::string& place);

/// Errors: already_exists. An empty name is always free.
Result<void> expect_name_free(const Transaction& transaction, const std::string& name);
/// Errors: already_exists; busy when the processes are kept elsewhere since the store was opened.
Result<void> list_process(WriteTransaction& transaction, const ListedProcess& process);
struct UnlistedProcess {
    FamilyId family;
    bool is_last_of_family = false;
};
/// Errors: not_found.
Result<UnlistedProcess> unlist_process(WriteTransaction& transaction, ProcessId id);
/// Empty when nothing was written. Errors: not_found when there is no such process, corrupt.
Result<ByteVector> read_grants(const Transaction& transaction, ProcessId id);
/// Errors: not_found.
Result<void> write_grants(WriteTransaction& transaction, ProcessId id, Bytes grants);
Result<std::vector<ListedProcess>> listed_processes(const Transaction& transaction);
/// What does not hold, one sentence each.
Result<std::vector<std::string>> verify_catalogue(const Transaction& transaction);
Result<std::set<FamilyId>> listed_families(const Transaction& transaction);

/// By digest, with how long they are as they are stored.
Result<std::vector<ModuleUsage>> listed_modules(const Transaction& transaction);
Result<bool> has_module(const Transaction& transaction, const Sha256& digest);
/// Errors: unsupported: longer than the store takes.
Result<ByteVector> encode_module(Bytes module);
Result<void> write_module(WriteTransaction& transaction, const Sha256& digest, Bytes encoded);
/// Errors: not_found; corrupt when the bytes do not have the digest any more.
Result<ByteVector> read_module(const Transaction& transaction, const Sha256& digest);

}  // namespace sojourn::store
