#include "store/internal/family_salvage.hpp"

#include <algorithm>

#include "store/internal/unit_table.hpp"

namespace sojourn::store {

namespace {

constexpr std::size_t kSalvagedBatchBytes = std::size_t{8} << 20U;

struct Entry {
    TableIndex table;
    ByteVector key;
    ByteVector value;
};

/// Whether an entry of `table` is what it says. What has a checksum of its own that says so of the
/// key too, as units have, is checked where it is used.
bool holds(FamilyTable table, Bytes key, Bytes value) {
    switch (table) {
        case FamilyTable::pages:
            return parse_unit_key(key).ok();
        case FamilyTable::family:
            return unseal(value, "a record").ok();
        case FamilyTable::processes: {
            const auto process = decode_process(value);
            return process.ok() && std::ranges::equal(key, process->id.bytes);
        }
        case FamilyTable::branches:
            return key.size() == sizeof(BranchId) &&
                   decode_record<BranchRecord>(value, "a branch").ok();
        case FamilyTable::checkpoints: {
            const auto checkpoint = decode_checkpoint(value);
            return checkpoint.ok() && std::ranges::equal(key, make_key(checkpoint->id));
        }
        case FamilyTable::attachments:
            return key.size() == sizeof(Version) && decode_blob(value, "a state").ok();
        case FamilyTable::written:
            return key.size() == kKeyBytes<BranchId, Version, std::uint32_t> &&
                   decode_runs(value).ok();
        case FamilyTable::staged:
            return key.size() == sizeof(Version) &&
                   decode_record<StagedRecord>(value, "a record").ok();
        case FamilyTable::sweeps:
            return key.size() == kKeyBytes<BranchId, Version> &&
                   decode_record<SweepRecord>(value, "a record").ok();
    }
    return false;
}

class FamilySalvager {
public:
    explicit FamilySalvager(std::shared_ptr<Environment> into) : into_(std::move(into)) {}

    Result<SalvagedFamily> run(const std::filesystem::path& directory, std::size_t unit_bytes) {
        const TakeEntry take_entry = [this](std::string_view table, Bytes key, ByteVector value) {
            return take(table, key, std::move(value));
        };
        Salvage salvage = TRY(salvage_database(directory / "data.mdb", take_entry));
        TRY(flush());
        std::ranges::move(lost_, std::back_inserter(salvage.lost));
        for (const LostKeys& keys : lost_)
            salvage.problems.push_back(fmt::format("an entry of {} is damaged", keys.table));
        TRY(complete_family_record(unit_bytes));
        return SalvagedFamily{into_, std::move(salvage.problems), std::move(salvage.lost)};
    }

private:
    Result<void> take(std::string_view name, Bytes key, ByteVector value) {
        const auto options = family_environment_options(false, false);
        const auto found = std::ranges::find(options.tables, name);
        if (found == options.tables.end()) return {};
        const auto table = static_cast<FamilyTable>(found - options.tables.begin());
        const ByteVector own_key(key.begin(), key.end());
        if (!holds(table, key, value)) {
            lost_.push_back({std::string(name), own_key, own_key});
            return {};
        }
        batch_bytes_ += value.size();
        batch_.push_back({index_of(table), own_key, std::move(value)});
        return batch_bytes_ < kSalvagedBatchBytes ? Result<void>() : flush();
    }

    Result<void> flush() {
        const auto written = into_->write([&](WriteTransaction& transaction) -> Result<void> {
            for (const Entry& entry : batch_)
                TRY(transaction.put(entry.table, entry.key, entry.value));
            return {};
        });
        if (!written.ok()) return written;
        batch_.clear();
        batch_bytes_ = 0;
        return {};
    }

    /// Numbers that were given out stay so, whatever was lost.
    Result<void> complete_family_record(std::size_t unit_bytes) {
        return into_->write([&](WriteTransaction& transaction) -> Result<void> {
            FamilyRecord family;
            const auto kept = read_family_record(transaction);
            if (kept.ok()) family = *kept;
            family.format = kFamilyFormat;
            family.unit_bytes = static_cast<std::uint32_t>(unit_bytes);
            for (const NumberedBranch& branch : TRY(read_branches(transaction)))
                family.last_branch = std::max(family.last_branch, branch.id);
            for (const CheckpointInfo& checkpoint : TRY(read_checkpoints(transaction)))
                family.last_version = std::max(family.last_version, checkpoint.id);
            return write_family_record(transaction, family);
        });
    }

    std::shared_ptr<Environment> into_;
    std::vector<Entry> batch_;
    std::size_t batch_bytes_ = 0;
    std::vector<LostKeys> lost_;
};

}  // namespace

Result<SalvagedFamily> salvage_family(const std::filesystem::path& directory,
                                      const std::filesystem::path& into, std::size_t unit_bytes) {
    auto environment = TRY(Environment::open(into, family_environment_options(true, false)));
    return FamilySalvager(std::move(environment)).run(directory, unit_bytes);
}

}  // namespace sojourn::store
