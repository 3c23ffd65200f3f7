#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

namespace fs = std::filesystem;

/// Places for a store of working heaps and for one of checkpoints.
struct PlacesFixture {
    TemporaryDirectory directory;
    SystemRandom random;
    fs::path working = directory.path() / "working";
    fs::path checkpoints = directory.path() / "checkpoints";

    Result<std::unique_ptr<Store>> open(const std::string& location,
                                        const std::string& checkpoint_location = {},
                                        std::size_t unit_bytes = kTestUnitBytes) {
        OpenOptions options = test_options();
        options.unit_bytes = unit_bytes;
        options.checkpoint_location = checkpoint_location;
        return Store::open(location, options, random);
    }
};

}  // namespace

TEST_CASE("a store that leaves its processes to another one is that one, but for scratch",
          "[store]") {
    PlacesFixture fixture;
    const auto noted = fixture.open(fixture.working, fixture.checkpoints).value();
    const auto process = noted->create_process({.name = "guest"}).value();

    const auto again = fixture.open(fixture.working).value();
    const auto there = fixture.open(fixture.checkpoints).value();

    REQUIRE(again->find_process("guest")->id == process.id);
    REQUIRE(there->find_process("guest")->id == process.id);
    REQUIRE(again->directory() == fixture.checkpoints);
    REQUIRE(again->run_directory() == there->run_directory());
    REQUIRE(again->scratch_directory() == fixture.working / "run");
    REQUIRE(there->scratch_directory() == fixture.checkpoints / "run");
}

TEST_CASE("a store that was opened before it left its processes to another takes no more",
          "[store]") {
    PlacesFixture fixture;
    const auto early = fixture.open(fixture.working).value();
    const auto draft = early->draft_process({.name = "guest"}).value();
    REQUIRE(fixture.open(fixture.working, fixture.checkpoints).ok());

    REQUIRE(draft->publish().error().code == ErrorCode::busy);
    REQUIRE(early->create_process({.name = "other"}).error().code == ErrorCode::busy);
}

TEST_CASE("a store with processes keeps them", "[store]") {
    PlacesFixture fixture;
    REQUIRE(fixture.open(fixture.working).value()->create_process({.name = "guest"}).ok());

    REQUIRE(fixture.open(fixture.working, fixture.checkpoints).error().code ==
            ErrorCode::already_exists);
    REQUIRE(fixture.open(fixture.working).value()->find_process("guest").ok());
}

TEST_CASE("units of the two stores agree, and those of what is made follow", "[store]") {
    PlacesFixture fixture;
    REQUIRE(fixture.open(fixture.checkpoints).ok());
    const std::string other = fixture.directory.name() + "/other";
    REQUIRE(fixture.open(other, {}, kUnitBytesMax).ok());

    REQUIRE(fixture.open(other, fixture.checkpoints).error().code == ErrorCode::unsupported);
    REQUIRE(
        fixture.open(fixture.working, fixture.checkpoints, kUnitBytesMax).value()->unit_bytes() ==
        kTestUnitBytes);
}

TEST_CASE("a heap in memory can have a checkpoint store, of which nothing is noted", "[store]") {
    PlacesFixture fixture;

    const auto store = fixture.open("mem:", fixture.checkpoints).value();

    REQUIRE(store->directory() == fixture.checkpoints);
    REQUIRE(store->scratch_directory().empty());
}
