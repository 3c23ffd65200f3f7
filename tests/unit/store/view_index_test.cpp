#include "store/internal/view_index.hpp"

#include <algorithm>
#include <fstream>

#include <catch2/catch.hpp>

#include "store/verify.hpp"
#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

namespace fs = std::filesystem;

/// A process in a directory whose database can be changed behind its back.
struct DamagedFixture {
    TemporaryDirectory directory;
    SystemRandom random;
    ProcessRecord process;
    std::unique_ptr<Store> store = open();
    std::shared_ptr<Family> family;

    DamagedFixture() {
        process = store->create_process({.name = "guest"}).value();
        family = store->family(process.family).value();
    }

    std::unique_ptr<Store> open() {
        return Store::open(directory.name() + "/s", test_options(), random).value();
    }

    Version publish(const std::vector<EncodedUnit>& units) const {
        const auto token = family->acquire(process.id, std::nullopt).value();
        Publication publication;
        publication.info.id = family->reserve(token).value();
        publication.units = units;
        publication.attachment = as_bytes("state");
        REQUIRE(family->publish(token, publication).ok());
        return publication.info.id;
    }

    /// Flips the lowest bit behind each `wanted` in the family's database, and opens it again.
    void flip_bit_at_end_of(Bytes wanted) {
        family.reset();
        store.reset();
        const fs::path file =
            directory.path() / "s" / "families" / process.family.hex() / "data.mdb";
        auto bytes = read_file(file).value();
        int flipped = 0;
        for (auto at = bytes.begin();; ++flipped) {
            at = std::search(at, bytes.end(), wanted.begin(), wanted.end());
            if (at == bytes.end()) break;
            at += static_cast<std::ptrdiff_t>(wanted.size()) - 1;
            *at ^= std::byte{1};
        }
        REQUIRE(flipped > 0);
        std::ofstream(file, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        store = open();
        family = store->family(process.family).value();
    }

    ErrorCode error_of_reading(std::uint64_t unit) const {
        ByteVector out(kTestUnitBytes);
        const auto view = family->view_of(process.id).value();
        return family->read_unit(view, {kRegion, UnitIndex{unit}}, out).error().code;
    }
};

auto unit_key(std::uint64_t unit, Version version) {
    return key_of(UnitVersion{BranchId{1}, {kRegion, UnitIndex{unit}}, version});
}

}  // namespace

TEST_CASE("a key that lost a bit does not make an older value, or none, the newest", "[store]") {
    DamagedFixture fixture;
    const Version first = fixture.publish({encoded(0, 1), encoded(1, 1)});
    const Version second = fixture.publish({encoded(0, 2), encoded(2, 2)});
    const auto unit = static_cast<std::uint64_t>(GENERATE(0, 2));

    // The version's last byte: the value now seems to be of a version that is yet to come.
    fixture.flip_bit_at_end_of(unit_key(unit, second));

    REQUIRE(fixture.error_of_reading(unit) == ErrorCode::corrupt);
    const auto view = fixture.family->view_of(second).value();
    const auto walked =
        fixture.family->for_each_unit(view, [](UnitKey, Bytes) -> Result<void> { return {}; });
    REQUIRE(walked.error().code == ErrorCode::corrupt);
    const auto report = verify_store(*fixture.store, [](std::uint64_t) {}).value();
    REQUIRE_FALSE(report.problems.empty());
    REQUIRE(report.lost.size() == 1);
    REQUIRE(report.lost[0].process == "guest");
    REQUIRE(report.lost[0].checkpoint == second);
    REQUIRE(fixture.family->view_of(first).ok());
}

TEST_CASE("a whole store has no problems and loses nothing", "[store]") {
    DamagedFixture fixture;
    REQUIRE(fixture.store->put_module(unit_of(5, true)).ok());
    fixture.publish({encoded(0, 1)});
    std::uint64_t seen_bytes = 0;

    const auto report =
        verify_store(*fixture.store, [&](std::uint64_t bytes) { seen_bytes += bytes; });

    REQUIRE(report->problems.empty());
    REQUIRE(report->lost.empty());
    REQUIRE(seen_bytes == encoded(0, 1).value.size());
}

TEST_CASE("the newest of overlapping lists counts, branch by branch", "[store]") {
    DamagedFixture fixture;
    const Version base = fixture.publish({encoded(0, 1), encoded(1, 1), encoded(2, 1)});
    const Version middle = fixture.publish({encoded(1, 2), encoded(7, 2)});
    const auto twig = fixture.family->acquire(fixture.process.id, base).value();
    REQUIRE(twig.process == fixture.process.id);
    const Version tip = fixture.publish({encoded(2, 3)});
    const auto environment = Environment::open(fixture.directory.path() / "s" / "families" /
                                                   fixture.process.family.hex(),
                                               family_environment_options(false, false))
                                 .value();
    const auto transaction = environment->read().value();

    const auto index = ViewIndex::of(transaction, fixture.family->view_of(tip).value()).value();

    const auto version_of = [&](std::uint64_t unit) {
        const auto place = index.find({kRegion, UnitIndex{unit}});
        return place ? place->version : kNoVersion;
    };
    REQUIRE(version_of(0) == base);
    REQUIRE(version_of(1) == base);
    REQUIRE(version_of(2) == tip);
    REQUIRE(version_of(7) == kNoVersion);
    REQUIRE(index.unit_count() == 3);
    const auto trunk = ViewIndex::of(transaction, fixture.family->view_of(middle).value()).value();
    REQUIRE(trunk.find({kRegion, UnitIndex{1}})->version == middle);
    REQUIRE(trunk.unit_count() == 4);
}
