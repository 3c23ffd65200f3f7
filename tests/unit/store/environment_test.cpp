#include "store/internal/environment.hpp"

#include <catch2/catch.hpp>

#include "store/internal/page_survey.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

constexpr TableIndex kTable{0};

/// A database with one table and one entry.
class OneTable {
public:
    OneTable() { write("first", "value"); }

    void write(std::string_view key, std::string_view value) const {
        REQUIRE(environment
                    ->write([&](WriteTransaction& transaction) {
                        return transaction.put(kTable, as_bytes(key), as_bytes(value));
                    })
                    .ok());
    }

    tests::TemporaryFolder directory;
    std::shared_ptr<Environment> environment =
        *Environment::open(directory.path(), {.tables = {"table"}, .create = true, .sync = false});
};

}  // namespace

TEST_CASE("a snapshot is taken while somebody holds the writers' lock", "[store]") {
    const OneTable database;
    std::uint64_t commit = 0;

    const auto written = database.environment->write([&](WriteTransaction& transaction) {
        commit = transaction.commit_number();
        const auto snapshot = newest_snapshot(*database.environment);
        REQUIRE(snapshot.ok());
        REQUIRE(snapshot->commit.number + 1 == commit);
        return transaction.put(kTable, as_bytes("second"), as_bytes("value"));
    });

    REQUIRE(written.ok());
    REQUIRE(newest_snapshot(*database.environment)->commit.number == commit);
}
