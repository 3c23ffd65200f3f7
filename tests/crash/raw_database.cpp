#include "tests/crash/raw_database.hpp"

#include <cstring>
#include <functional>

#include <catch2/catch.hpp>
#include <lmdb.h>

#include "tests/support/temporary_folder.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sojourn::tests {

namespace {

/// Commits what `body` writes to the table.
void write_table(const std::filesystem::path& directory, const char* table,
                 const std::function<void(MDB_txn* transaction, MDB_dbi table)>& body) {
    constexpr MDB_dbi kTablesMax = 16;
    MDB_env* environment = nullptr;
    MDB_txn* transaction = nullptr;
    MDB_dbi handle = 0;
    REQUIRE(mdb_env_create(&environment) == 0);
    REQUIRE(mdb_env_set_maxdbs(environment, kTablesMax) == 0);
    REQUIRE(mdb_env_open(environment, directory.c_str(), 0, 0600) == 0);
    REQUIRE(mdb_txn_begin(environment, nullptr, 0, &transaction) == 0);
    REQUIRE(mdb_dbi_open(transaction, table, MDB_CREATE, &handle) == 0);
    body(transaction, handle);
    REQUIRE(mdb_txn_commit(transaction) == 0);
    mdb_env_close(environment);
}

void put(MDB_txn* transaction, MDB_dbi table, std::string key, std::string value) {
    MDB_val key_value{key.size(), key.data()};
    MDB_val data{value.size(), value.data()};
    REQUIRE(mdb_put(transaction, table, &key_value, &data, 0) == 0);
}

std::string get(MDB_txn* transaction, MDB_dbi table, std::string key) {
    MDB_val key_value{key.size(), key.data()};
    MDB_val found{};
    REQUIRE(mdb_get(transaction, table, &key_value, &found) == 0);
    return {static_cast<const char*>(found.mv_data), found.mv_size};
}

}  // namespace

void make_other_database(const std::filesystem::path& data_file) {
    const TemporaryFolder folder;
    write_table(folder.path(), "recipes", [](MDB_txn* transaction, MDB_dbi table) {
        put(transaction, table, "bread", "flour, water, salt");
    });
    std::filesystem::copy_file(folder.path() / "data.mdb", data_file);
}

void change_number(const std::filesystem::path& directory, const std::string& key,
                   std::size_t offset, std::int32_t step) {
    write_table(directory, key.c_str(), [&](MDB_txn* transaction, MDB_dbi table) {
        std::string record = get(transaction, table, key);
        const std::size_t size = record.size() - sizeof(XXH64_hash_t);
        std::int32_t number = 0;
        std::memcpy(&number, record.data() + offset, sizeof number);
        number += step;
        std::memcpy(record.data() + offset, &number, sizeof number);
        const XXH64_hash_t checksum = XXH3_64bits(record.data(), size);
        std::memcpy(record.data() + size, &checksum, sizeof checksum);
        put(transaction, table, key, record);
    });
}

void damage_value(const std::filesystem::path& directory, const char* table,
                  const std::string& key) {
    write_table(directory, table, [&](MDB_txn* transaction, MDB_dbi handle) {
        std::string value = get(transaction, handle, key);
        value.front() = static_cast<char>(~value.front());
        put(transaction, handle, key, value);
    });
}

}  // namespace sojourn::tests
