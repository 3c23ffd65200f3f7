#include "store/internal/blob.hpp"
#include "store/internal/catalogue.hpp"
#include "store/internal/family_tables.hpp"
#include "tests/fuzz/sample_store.hpp"
#include "tests/fuzz/seeds.hpp"

namespace sojourn::fuzz {

using namespace store;
namespace fs = std::filesystem;

namespace {

constexpr unsigned kCatalogueTables = 4;
constexpr unsigned kTables = kCatalogueTables + 9;

/// How the row is changed. An input's third byte, modulo kChanges.
enum class Change : std::uint8_t { sealed_value, bare_value, erased, sealed_under_other_key };
constexpr unsigned kChanges = 4;

std::shared_ptr<Environment> environment_of(const fs::path& store, unsigned table) {
    if (table < kCatalogueTables) {
        return *Environment::open(store / "catalogue", catalogue_environment_options(false, false));
    }
    const fs::path family = fs::directory_iterator(store / "families")->path();
    return *Environment::open(family, family_environment_options(false, false));
}

TableIndex index_in_environment(unsigned table) {
    return TableIndex{table < kCatalogueTables ? table : table - kCatalogueTables};
}

struct Row {
    ByteVector key;
    ByteVector value;
};

std::vector<Row> rows_of(const Environment& environment, unsigned table) {
    std::vector<Row> rows;
    const auto transaction = environment.read();
    Cursor cursor = transaction->cursor(index_in_environment(table));
    constexpr std::byte kFirst{0};
    for (bool there = *cursor.seek({&kFirst, 1}); there; there = *cursor.next())
        rows.push_back({to_vector(cursor.key()), to_vector(cursor.value())});
    return rows;
}

void change_row(const fs::path& store, Input input) {
    const unsigned table = input.take<std::uint8_t>() % kTables;
    const unsigned number = input.take<std::uint8_t>();
    const auto change = Change{static_cast<std::uint8_t>(input.take<std::uint8_t>() % kChanges)};
    const auto environment = environment_of(store, table);
    const auto rows = rows_of(*environment, table);
    if (rows.empty()) return;
    ByteVector key = rows[number % rows.size()].key;
    if (change == Change::sealed_under_other_key) {
        const auto place = input.take<std::uint8_t>() % key.size();
        key[place] ^= input.take<std::byte>();
    }
    const ByteVector value =
        change == Change::bare_value ? to_vector(input.rest()) : seal(input.rest());
    const auto written = environment->write([&](WriteTransaction& transaction) -> Result<void> {
        const TableIndex index = index_in_environment(table);
        if (change != Change::erased) return transaction.put(index, key, value);
        TRY(transaction.erase(index, key));
        return {};
    });
    static_cast<void>(written);
}

Result<void> read_all(Store& store, Family& family, const ProcessRecord& process) {
    ByteVector out(store.unit_bytes());
    for (const auto& checkpoint : TRY(family.checkpoints(process.id))) {
        static_cast<void>(family.read_attachment(checkpoint.id));
        const View view = TRY(family.view_of(checkpoint.id));
        for (std::uint64_t index = 0; index < 10; ++index)
            static_cast<void>(family.read_unit(view, {RegionId{1}, UnitIndex{index}}, out));
        static_cast<void>(
            family.for_each_unit(view, [](UnitKey, Bytes) { return Result<void>(); }));
    }
    return {};
}

Result<void> write_and_prune(Family& family, const ProcessRecord& process) {
    const auto token = TRY(family.acquire(process.id, std::nullopt));
    static_cast<void>(publish_sample(family, token, {sample_unit(0, 9), sample_unit(3, 1)}));
    for (const auto& checkpoint : TRY(family.checkpoints(process.id)))
        static_cast<void>(family.remove_checkpoint(checkpoint.id));
    return {};
}

/// Everything that a store can be asked. What it answers is its own affair.
Result<void> use(const fs::path& directory, Random& random) {
    const auto store = TRY(Store::open(directory, {.create = false, .sync = false}, random));
    static_cast<void>(store->module(sha256_of(as_bytes("a module"))));
    static_cast<void>(store->processes());
    const auto process = TRY(store->find_process("guest"));
    const auto family = TRY(store->family(process.family));
    static_cast<void>(read_all(*store, *family, process));
    static_cast<void>(family->verify());
    static_cast<void>(write_and_prune(*family, process));
    static_cast<void>(family->verify());
    return store->remove_process(process.id);
}

}  // namespace

Seeds seeds_of_records() {
    Seeds seeds;
    for (unsigned table = 0; table < kTables; ++table) {
        const auto rows = rows_of(*environment_of(SampleStore::original().path(), table), table);
        for (std::size_t number = 0; number < rows.size(); ++number) {
            const Bytes value = rows[number].value;
            const auto bare = unseal(value, "a row");
            ByteWriter seed;
            seed.put(static_cast<std::uint8_t>(table));
            seed.put(static_cast<std::uint8_t>(number));
            seed.put(bare.ok() ? Change::sealed_value : Change::bare_value);
            seed.put_bytes(bare.ok() ? *bare : value);
            seeds.push_back(seed.take());
        }
    }
    return seeds;
}

void run_records(Bytes input) {
    const fs::path copy = SampleStore::original().fresh_copy();
    change_row(copy, Input(input));
    SystemRandom random;
    static_cast<void>(use(copy, random));
}

}  // namespace sojourn::fuzz
