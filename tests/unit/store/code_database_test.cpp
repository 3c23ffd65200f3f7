#include "store/code_database.hpp"

#include <catch2/catch.hpp>

#include "store/compact.hpp"
#include "store/usage.hpp"
#include "store/verify.hpp"
#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

ByteVector bytes_of(std::string_view text) {
    return {as_bytes(text).begin(), as_bytes(text).end()};
}

CodeDatabase::Changes entry(std::string_view key, std::size_t bytes, std::uint64_t now_s) {
    return {.entries = {{bytes_of(key), ByteVector(bytes)}},
            .used = {},
            .now_s = now_s,
            .bytes_max = std::uint64_t{1} << 20U};
}

/// A store in a directory that goes away.
struct CodeFixture {
    CodeFixture() : store(*Store::open(place(), test_options(), random)) {}

    [[nodiscard]] std::string place() const { return directory.name() + "/s"; }
    [[nodiscard]] std::unique_ptr<CodeDatabase> code() const {
        return CodeDatabase::open(place()).value();
    }
    [[nodiscard]] StoreUsage usage() const {
        return measure_usage(
                   *store, [](const Family&, Version) { return std::map<RegionId, UnitContent>(); })
            .value();
    }

    TemporaryDirectory directory;
    SystemRandom random;
    std::unique_ptr<Store> store;
};

}  // namespace

TEST_CASE("code is found by its key, and listed by how its key begins", "[code]") {
    const CodeFixture fixture;
    for (const char* key : {"a1", "a2", "b1"})
        REQUIRE(fixture.code()->write(entry(key, 10, 5)).ok());

    REQUIRE(fixture.code()->find(bytes_of("a2")).value()->value == ByteVector(10));
    REQUIRE(fixture.code()->find(bytes_of("a2")).value()->used_at_s == 5);
    REQUIRE_FALSE(fixture.code()->find(bytes_of("a3")).value());
    REQUIRE(fixture.code()->keys(bytes_of("a")).value() ==
            std::vector{bytes_of("a1"), bytes_of("a2")});
}

TEST_CASE("code is kept in a store alone", "[code]") {
    const TemporaryDirectory directory;

    REQUIRE(CodeDatabase::open(directory.name()).error().code == ErrorCode::not_found);
    REQUIRE(CodeDatabase::open("mem:").error().code == ErrorCode::not_found);

    REQUIRE_FALSE(std::filesystem::exists(directory.path() / "code"));
}

TEST_CASE("what a store takes, and how it is compacted and verified, includes its code", "[code]") {
    const CodeFixture fixture;
    REQUIRE(fixture.usage().code == 0);
    for (std::uint64_t round = 0; round < 40; ++round)
        REQUIRE(fixture.code()->write(entry(std::to_string(round), 100'000, round)).ok());

    const StoreUsage usage = fixture.usage();
    REQUIRE(usage.code > 500'000);
    REQUIRE(usage.code <= std::uint64_t{1} << 20U);
    REQUIRE(usage.code + usage.free + usage.structure + usage.modules + usage.other <= usage.files);
    auto shrunk = entry("last", 10, 99);
    shrunk.bytes_max = 20'000;
    REQUIRE(fixture.code()->write(shrunk).ok());
    const CompactionReport report = compact_store(*fixture.store, [](std::uint64_t) {}).value();

    REQUIRE(report.after_bytes + 500'000 < report.before_bytes);
    REQUIRE(fixture.code()->find(bytes_of("last")).value());
    REQUIRE(verify_store(*fixture.store, [](std::uint64_t) {}).value().problems.empty());
}

TEST_CASE("damaged code is told of, and made anew when it is opened", "[code]") {
    const CodeFixture fixture;
    REQUIRE(fixture.code()->write(entry("key", 50'000, 1)).ok());

    std::filesystem::resize_file(fixture.directory.path() / "s/code/data.mdb", 2 * 4096 + 100);

    REQUIRE(verify_store(*fixture.store, [](std::uint64_t) {}).value().problems.size() == 1);
    REQUIRE_FALSE(fixture.code()->find(bytes_of("key")).value());
    REQUIRE(verify_store(*fixture.store, [](std::uint64_t) {}).value().problems.empty());
}

TEST_CASE("a working store keeps its code itself", "[code]") {
    const CodeFixture checkpoints;
    const TemporaryDirectory directory;
    SystemRandom random;
    OpenOptions options = test_options();
    options.checkpoint_location = checkpoints.place();
    const auto store = Store::open(directory.name() + "/w", options, random);
    REQUIRE(store.ok());

    REQUIRE(CodeDatabase::open(directory.name() + "/w").value()->write(entry("a", 9000, 1)).ok());

    REQUIRE(std::filesystem::exists(directory.path() / "w/code/data.mdb"));
    REQUIRE(measure_usage(**store,
                          [](const Family&, Version) { return std::map<RegionId, UnitContent>(); })
                .value()
                .code > 9000);
}
