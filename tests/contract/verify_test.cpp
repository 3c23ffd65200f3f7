#include "store/verify.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

constexpr std::uint8_t kFamilies = 12;

/// A store of several families, each of which has noise of its own in unit 0.
class ManyFamilies {
public:
    ManyFamilies() {
        for (std::uint8_t index = 0; index < kFamilies; ++index) {
            const ProcessRecord process =
                store->create_process({.name = fmt::format("p{}", index)}).value();
            const auto family = store->family(process.family).value();
            const auto token = family->acquire(process.id, std::nullopt).value();
            Publication publication;
            publication.info.id = family->reserve(token).value();
            const std::vector units{encoded(0, index, true)};
            publication.units = units;
            publication.attachment = as_bytes("state");
            REQUIRE(family->publish(token, publication).ok());
        }
    }

    void damage(std::uint8_t index) {
        const auto process = store->find_process(fmt::format("p{}", index)).value();
        store.reset();
        const auto file = directory.path() / "s" / "families" / process.family.hex() / "data.mdb";
        auto bytes = read_file(file).value();
        const ByteVector noise = unit_of(index, true);
        const auto at = std::search(bytes.begin(), bytes.end(), noise.begin(), noise.begin() + 64);
        REQUIRE(at != bytes.end());
        *at ^= std::byte{1};
        REQUIRE(write_file(file, bytes).ok());
        store = *Store::open((directory.path() / "s").native(), test_options(), random);
    }

    TemporaryDirectory directory;
    SystemRandom random;
    std::unique_ptr<Store> store =
        *Store::open((directory.path() / "s").native(), test_options(), random);
};

}  // namespace

TEST_CASE("families that are looked through at once are told of in the order of their processes",
          "[store][verify]") {
    ManyFamilies fixture;
    for (const std::uint8_t index : {std::uint8_t{9}, std::uint8_t{2}})
        fixture.damage(index);
    const auto listed = fixture.store->listed().value();
    std::vector<std::string> expected;
    for (const ProcessRecord& process : listed) {
        if (process.name == "p2" || process.name == "p9") expected.push_back(process.name);
    }
    std::uint64_t seen_bytes = 0;

    const auto report =
        verify_store(*fixture.store, [&](std::uint64_t bytes) { seen_bytes += bytes; }).value();

    std::vector<std::string> lost;
    for (const LostCheckpoint& checkpoint : report.lost)
        lost.push_back(checkpoint.process);
    REQUIRE(lost == expected);
    REQUIRE(report.problems.size() == 2);
    REQUIRE(report.problems[0].process == expected[0]);
    REQUIRE(seen_bytes == kFamilies * encoded(0, 0, true).value.size());
}
