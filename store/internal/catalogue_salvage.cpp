#include "store/internal/catalogue_salvage.hpp"

#include <algorithm>

#include "store/internal/blob.hpp"
#include "store/internal/records.hpp"
#include "store/internal/salvage.hpp"

namespace sojourn::store {

namespace {

class CatalogueSalvager {
public:
    explicit CatalogueSalvager(const std::function<Result<void>(Bytes module)>& take_module)
        : take_module_(take_module) {}

    Result<SalvagedCatalogue> run(const std::filesystem::path& directory) {
        const auto salvage = salvage_database(
            directory / "data.mdb", [this](std::string_view table, Bytes key, ByteVector value) {
                return take(table, key, value);
            });
        if (!salvage.ok() && salvage.error().code != ErrorCode::corrupt) return salvage.error();
        if (!salvage.ok()) {
            damaged(salvage.error().message);
            catalogue_.are_processes_complete = false;
            return std::move(catalogue_);
        }
        for (const std::string& problem : salvage->problems)
            damaged(problem);
        for (const LostKeys& lost : salvage->lost) {
            const bool may_have_processes = lost.table.empty() || lost.table == "processes";
            if (may_have_processes) catalogue_.are_processes_complete = false;
        }
        return std::move(catalogue_);
    }

private:
    void damaged(const std::string& what) { catalogue_.problems.push_back(what); }

    Result<void> take(std::string_view table, Bytes key, Bytes value) {
        if (table == "catalogue") take_note(as_text(key), value);
        if (table == "processes") take_process(key, value);
        return table == "modules" ? take_module(key, value) : Result<void>();
    }

    void take_process(Bytes key, Bytes value) {
        const auto process = decode_listed(key, value);
        if (process.ok()) {
            catalogue_.processes.emplace(process->id, *process);
            return;
        }
        catalogue_.are_processes_complete = false;
        damaged(process.error().message);
    }

    void take_note(std::string_view key, Bytes value) {
        const auto note = unseal(value, fmt::format("the entry '{}'", key));
        if (!note.ok()) return damaged(note.error().message);
        ByteReader reader(*note, "an entry");
        if (key == "catalogue") {
            const auto record = reader.get<CatalogueRecord>();
            if (record.ok() && is_unit_bytes(record->unit_bytes))
                catalogue_.unit_bytes = record->unit_bytes;
        } else if (key == "checkpoints") {
            auto place = reader.get_string();
            if (place.ok()) catalogue_.checkpoint_place = *std::move(place);
        } else if (key.starts_with(kGrantsPrefix) &&
                   key.size() == kGrantsPrefix.size() + sizeof(ProcessId)) {
            ProcessId id;
            std::ranges::copy(as_bytes(key.substr(kGrantsPrefix.size())), id.bytes.begin());
            catalogue_.grants[id] = ByteVector(note->begin(), note->end());
        }
    }

    Result<void> take_module(Bytes key, Bytes value) {
        const std::string name = fmt::format("module {}", to_hex(key));
        const auto module = decode_blob(value, name);
        if (module.ok() && std::ranges::equal(sha256_of(*module).bytes, key)) {
            return take_module_(*module);
        }
        damaged(fmt::format("{} is lost: a vm run of the file that it was brings it back", name));
        return {};
    }

    const std::function<Result<void>(Bytes module)>& take_module_;
    SalvagedCatalogue catalogue_;
};

}  // namespace

Result<SalvagedCatalogue> salvage_catalogue(
    const std::filesystem::path& directory,
    const std::function<Result<void>(Bytes module)>& take_module) {
    return CatalogueSalvager(take_module).run(directory);
}

}  // namespace sojourn::store
