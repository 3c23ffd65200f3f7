#include "store/internal/catalogue.hpp"

#include <algorithm>

#include "store/internal/records.hpp"

namespace sojourn::store {

namespace {

constexpr TableIndex kCatalogue{0};  ///< one CatalogueRecord
constexpr TableIndex kNames{1};      ///< name ► process id
constexpr TableIndex kProcesses{2};  ///< process id ► family id, name
constexpr TableIndex kModules{3};    ///< SHA-256 ► blob

const Bytes kCatalogueKey = as_bytes("catalogue");
const Bytes kCheckpointsKey = as_bytes("checkpoints");

/// `grants ` and the id.
ByteVector grants_key(ProcessId id) {
    ByteWriter writer;
    writer.put_bytes(as_bytes(kGrantsPrefix));
    writer.put_bytes(id.bytes);
    return writer.take();
}

Result<void> expect_listed(const Transaction& transaction, ProcessId id) {
    const auto value = TRY(transaction.get(kProcesses, id.bytes));
    if (value) return {};
    return fail(ErrorCode::not_found, "there is no process {}", id.hex());
}

ByteVector encode_listed(const ListedProcess& process) {
    ByteWriter writer;
    writer.put(process.family.bytes);
    writer.put_sized(process.name);
    return seal(writer.view());
}

}  // namespace

Result<ListedProcess> decode_listed(Bytes key, Bytes value) {
    ListedProcess process;
    ByteReader id(key, "the key of a process");
    process.id.bytes = TRY(id.get<decltype(Id128::bytes)>());
    TRY(id.expect_end());
    ByteReader reader(TRY(unseal(value, "a catalogue entry")), "a catalogue entry");
    process.family.bytes = TRY(reader.get<decltype(Id128::bytes)>());
    process.name = TRY(reader.get_string());
    TRY(reader.expect_end());
    return process;
}

EnvironmentOptions catalogue_environment_options(bool create, bool sync) {
    return {.tables = {"catalogue", "names", "processes", "modules"},
            .hot_table = kCatalogue,
            .create = create,
            .sync = sync};
}

Result<void> found_catalogue(WriteTransaction& transaction, const CatalogueRecord& record) {
    TRY(transaction.put_new(kCatalogue, kCatalogueKey, encode_record(record)));
    return {};
}

Result<CatalogueRecord> read_catalogue_record(const Transaction& transaction) {
    const auto value = TRY(transaction.get(kCatalogue, kCatalogueKey));
    const auto& directory = transaction.environment().directory().native();
    if (!value) {
        return fail(ErrorCode::corrupt, "{} has no catalogue record: put a backup in its place",
                    directory);
    }
    const auto record = TRY(decode_record<CatalogueRecord>(*value, "a catalogue record"));
    const CatalogueRecord expected;
    if (record.magic != expected.magic || record.format != expected.format) {
        return fail(ErrorCode::unsupported_format,
                    "{} has format {}, this build reads {}: use the release that made it to export "
                    "its processes",
                    directory, record.format, expected.format);
    }
    if (!is_unit_bytes(record.unit_bytes)) {
        return fail(ErrorCode::corrupt, "{} has units of {} bytes", directory, record.unit_bytes);
    }
    return record;
}

Result<std::string> read_checkpoint_place(const Transaction& transaction) {
    const auto value = TRY(transaction.get(kCatalogue, kCheckpointsKey));
    if (!value) return std::string();
    const char* subject = "the note of where checkpoints are";
    ByteReader reader(TRY(unseal(*value, subject)), subject);
    auto place = TRY(reader.get_string());
    TRY(reader.expect_end());
    return place;
}

Result<void> write_checkpoint_place(WriteTransaction& transaction, const std::string& place) {
    const auto processes = TRY(listed_processes(transaction));
    if (!processes.empty()) {
        return fail(ErrorCode::already_exists,
                    "{} has processes of its own: name another store for the heaps of those in {}, "
                    "or carry the processes there with vm export, vm import and vm rm",
                    transaction.environment().directory().parent_path().native(), place);
    }
    ByteWriter writer;
    writer.put_sized(place);
    return transaction.put(kCatalogue, kCheckpointsKey, seal(writer.view()));
}

Result<void> expect_name_free(const Transaction& transaction, const std::string& name) {
    if (name.empty()) return {};
    const auto taken = TRY(transaction.get(kNames, as_bytes(name)));
    if (!taken) return {};
    return name_taken(name);
}

Result<void> list_process(WriteTransaction& transaction, const ListedProcess& process) {
    TRY(expect_name_free(transaction, process.name));
    const std::string elsewhere = TRY(read_checkpoint_place(transaction));
    if (!elsewhere.empty()) {
        return fail(ErrorCode::busy, "the store has begun to keep its processes in {}: try again",
                    elsewhere);
    }
    if (!process.name.empty()) {
        TRY(transaction.put(kNames, as_bytes(process.name), process.id.bytes));
    }
    return transaction.put(kProcesses, process.id.bytes, encode_listed(process));
}

Result<UnlistedProcess> unlist_process(WriteTransaction& transaction, ProcessId id) {
    const auto value = TRY(transaction.get(kProcesses, id.bytes));
    if (!value) return fail(ErrorCode::not_found, "there is no process {}", id.hex());
    const ListedProcess process = TRY(decode_listed(id.bytes, *value));
    TRY(transaction.erase(kProcesses, id.bytes));
    const ByteVector grants = grants_key(id);
    if (TRY(transaction.get(kCatalogue, grants))) TRY(transaction.erase(kCatalogue, grants));
    if (!process.name.empty()) TRY(transaction.erase(kNames, as_bytes(process.name)));
    const auto families = TRY(listed_families(transaction));
    return UnlistedProcess{process.family, !families.contains(process.family)};
}

Result<ByteVector> read_grants(const Transaction& transaction, ProcessId id) {
    TRY(expect_listed(transaction, id));
    const auto value = TRY(transaction.get(kCatalogue, grants_key(id)));
    if (!value) return ByteVector();
    const Bytes grants = TRY(unseal(*value, "what a process was granted"));
    return ByteVector(grants.begin(), grants.end());
}

Result<void> write_grants(WriteTransaction& transaction, ProcessId id, Bytes grants) {
    TRY(expect_listed(transaction, id));
    return transaction.put(kCatalogue, grants_key(id), seal(grants));
}

Result<std::vector<ListedProcess>> listed_processes(const Transaction& transaction) {
    std::vector<ListedProcess> processes;
    Cursor cursor = transaction.cursor(kProcesses);
    for (bool found = TRY(cursor.next()); found; found = TRY(cursor.next())) {
        processes.push_back(TRY(decode_listed(cursor.key(), cursor.value())));
    }
    return processes;
}

Result<std::set<FamilyId>> listed_families(const Transaction& transaction) {
    std::set<FamilyId> families;
    for (const ListedProcess& process : TRY(listed_processes(transaction))) {
        families.insert(process.family);
    }
    return families;
}

Result<std::vector<ModuleUsage>> listed_modules(const Transaction& transaction) {
    std::vector<ModuleUsage> modules;
    Cursor cursor = transaction.cursor(kModules);
    for (bool found = TRY(cursor.next()); found; found = TRY(cursor.next())) {
        ByteReader key(cursor.key(), "the key of a module");
        ModuleUsage module;
        module.digest.bytes = TRY(key.get<decltype(module.digest.bytes)>());
        TRY(key.expect_end());
        module.bytes = cursor.value().size();
        modules.push_back(module);
    }
    return modules;
}

Result<bool> has_module(const Transaction& transaction, const Sha256& digest) {
    const auto value = TRY(transaction.get(kModules, digest.bytes));
    return value.has_value();
}

Result<ByteVector> encode_module(Bytes module) {
    if (module.size() > kBlobBytesMax) {
        return fail(ErrorCode::unsupported, "a module of {} bytes is larger than a store takes, {}",
                    module.size(), kBlobBytesMax);
    }
    return encode_blob(module);
}

Result<void> write_module(WriteTransaction& transaction, const Sha256& digest, Bytes encoded) {
    return transaction.put(kModules, digest.bytes, encoded);
}

Result<ByteVector> read_module(const Transaction& transaction, const Sha256& digest) {
    const auto value = TRY(transaction.get(kModules, digest.bytes));
    if (!value) return fail(ErrorCode::not_found, "the store has no module {}", digest.hex());
    auto module = TRY(decode_blob(*value, fmt::format("module {}", digest.hex())));
    if (sha256_of(module) != digest) {
        return fail(ErrorCode::corrupt, "module {} has changed", digest.hex());
    }
    return module;
}

Result<std::vector<std::string>> verify_catalogue(const Transaction& transaction) {
    std::vector<std::string> problems;
    const auto processes = TRY(listed_processes(transaction));
    std::size_t names = 0;
    for (const ListedProcess& process : processes) {
        if (const auto grants = read_grants(transaction, process.id); !grants.ok())
            problems.push_back(
                fmt::format("process {}: {}", process.id.hex(), grants.error().message));
        if (process.name.empty()) continue;
        ++names;
        const auto id = TRY(transaction.get(kNames, as_bytes(process.name)));
        if (id && std::ranges::equal(*id, process.id.bytes)) continue;
        problems.push_back(fmt::format("the name {} does not lead to its process", process.name));
    }
    Cursor entry = transaction.cursor(kNames);
    std::size_t entries = 0;
    while (TRY(entry.next()))
        ++entries;
    if (entries != names) {
        problems.push_back(fmt::format("{} names for {} processes", entries, names));
    }
    Cursor module = transaction.cursor(kModules);
    while (TRY(module.next())) {
        Sha256 digest;
        if (module.key().size() != digest.bytes.size()) {
            problems.push_back(fmt::format("a module has a key of {} bytes", module.key().size()));
            continue;
        }
        std::ranges::copy(module.key(), digest.bytes.begin());
        const auto read = read_module(transaction, digest);
        if (!read.ok()) problems.push_back(read.error().message);
    }
    return problems;
}

}  // namespace sojourn::store
