#include "store/internal/written_lists.hpp"

#include <algorithm>

namespace sojourn::store {

namespace {

constexpr TableIndex kWritten = index_of(FamilyTable::written);

auto key_of(const ListKey& key) {
    return make_key(key.branch, key.version, key.sequence);
}

Result<ListKey> parse_list_key(Bytes key) {
    if (key.size() != key_of(ListKey{}).size()) {
        return fail(ErrorCode::corrupt, "a list of written units has a key of {} bytes",
                    key.size());
    }
    KeyReader reader(key);
    ListKey parsed;
    parsed.branch = reader.get<BranchId>();
    parsed.version = reader.get<Version>();
    parsed.sequence = reader.get<std::uint32_t>();
    if (parsed.sequence == UINT32_MAX) {
        return fail(ErrorCode::corrupt, "a list of written units has a number that none is given");
    }
    return parsed;
}

std::vector<UnitRun> runs_of(std::span<const UnitKey> units) {
    std::vector<UnitRun> runs;
    for (const UnitKey& unit : units) {
        if (!runs.empty()) {
            UnitRun& last = runs.back();
            if (last.region == unit.region && plain(last.first) + last.count == plain(unit.unit)) {
                ++last.count;
                continue;
            }
        }
        runs.push_back({unit.region, 1, unit.unit});
    }
    return runs;
}

Result<std::uint32_t> free_sequence(const Transaction& transaction, BranchId branch,
                                    Version version) {
    Cursor cursor = transaction.cursor(kWritten);
    const bool found = TRY(cursor.seek_before(key_of({branch, next(version), 0})));
    if (!found) return 0U;
    const ListKey last = TRY(parse_list_key(cursor.key()));
    return last.branch == branch && last.version == version ? last.sequence + 1 : 0U;
}

}  // namespace

std::vector<UnitKey> WrittenList::units() const {
    std::vector<UnitKey> units;
    for (const UnitRun& run : runs) {
        for (std::uint32_t offset = 0; offset < run.count; ++offset) {
            units.push_back({run.region, UnitIndex{plain(run.first) + offset}});
        }
    }
    return units;
}

Result<void> note_written(WriteTransaction& transaction, BranchId branch, Version version,
                          std::span<const UnitKey> units) {
    if (units.empty()) return {};
    std::uint32_t sequence = TRY(free_sequence(transaction, branch, version));
    while (!units.empty()) {
        const auto part = units.first(std::min(units.size(), kListUnitsMax));
        TRY(replace_list(transaction, {branch, version, sequence++}, part));
        units = units.subspan(part.size());
    }
    return {};
}

Result<std::optional<WrittenList>> next_list(const Transaction& transaction, const ListKey& from) {
    Cursor cursor = transaction.cursor(kWritten);
    const bool found = TRY(cursor.seek(key_of(from)));
    if (!found) return std::optional<WrittenList>();
    WrittenList list;
    list.key = TRY(parse_list_key(cursor.key()));
    list.runs = TRY(decode_runs(cursor.value()));
    return std::optional(std::move(list));
}

Result<void> replace_list(WriteTransaction& transaction, const ListKey& key,
                          std::span<const UnitKey> units) {
    if (!units.empty()) return transaction.put(kWritten, key_of(key), encode_runs(runs_of(units)));
    TRY(transaction.erase(kWritten, key_of(key)));
    return {};
}

Result<std::vector<Version>> listing_versions(const Transaction& transaction, BranchId branch,
                                              Version after, Version last) {
    std::vector<Version> versions;
    Cursor cursor = transaction.cursor(kWritten);
    ListKey wanted{branch, next(after), 0};
    while (TRY(cursor.seek(key_of(wanted)))) {
        const ListKey listed = TRY(parse_list_key(cursor.key()));
        if (listed.branch != branch || listed.version > last) break;
        versions.push_back(listed.version);
        wanted.version = next(listed.version);
    }
    return versions;
}

}  // namespace sojourn::store
