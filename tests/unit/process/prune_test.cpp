#include "process/prune.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using store::Version;

namespace {

constexpr std::uint64_t kCheckpoints = 40;

/// A process with checkpoints that share some of what they hold, and what would go of it.
class PruneFixture : public store::StoreFixture {
public:
    PruneFixture() : StoreFixture("directory") {
        const auto token = acquire();
        for (std::uint64_t number = 0; number < kCheckpoints; ++number) {
            const auto value = static_cast<std::uint8_t>(number);
            const auto units = {store::encoded(number % 3, value, true),
                                store::encoded(3 + number % 7, value, true)};
            REQUIRE(publish(token, units).ok());
        }
        planned = process::plan_pruning(store(), process(), {.last = 2}).value();
    }

    [[nodiscard]] std::uint64_t gain() {
        return family().bytes_freed_by({.checkpoints = planned}).value();
    }

    std::vector<Version> planned;
    std::vector<Version> removed;
};

}  // namespace

TEST_CASE("pruning frees what was said before and names each in turn", "[process][prune]") {
    PruneFixture fixture;
    const std::uint64_t gain = fixture.gain();

    const auto freed = process::prune(fixture.store(), fixture.process(), fixture.planned,
                                      [&](Version checkpoint) -> Result<void> {
                                          fixture.removed.push_back(checkpoint);
                                          return {};
                                      });

    REQUIRE(fixture.planned.size() == kCheckpoints - 2);
    REQUIRE(fixture.removed == fixture.planned);
    REQUIRE(freed.value() == gain);
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("what is tagged during a pruning stays and is not counted", "[process][prune]") {
    PruneFixture fixture;
    const std::vector<Version> tagged{fixture.planned[12], fixture.planned[33]};
    const auto planned = fixture.planned;
    std::erase_if(fixture.planned,
                  [&](Version checkpoint) { return std::ranges::count(tagged, checkpoint) != 0; });
    const std::uint64_t gain = fixture.gain();
    auto& family = fixture.family();

    const auto freed = process::prune(fixture.store(), fixture.process(), planned,
                                      [&](Version checkpoint) -> Result<void> {
                                          fixture.removed.push_back(checkpoint);
                                          if (checkpoint == planned[9])
                                              TRY(family.set_tag(tagged[0], "good", false));
                                          if (checkpoint == planned[32])
                                              TRY(family.set_tag(tagged[1], "late", false));
                                          return {};
                                      });

    REQUIRE(fixture.removed == fixture.planned);
    REQUIRE(freed.value() == gain);
    REQUIRE(family.verify()->empty());
}

TEST_CASE("what somebody else removes during a pruning does not end it", "[process][prune]") {
    PruneFixture fixture;
    const std::vector<Version> gone{fixture.planned[5], fixture.planned[12]};
    const auto planned = fixture.planned;
    std::erase_if(fixture.planned,
                  [&](Version checkpoint) { return std::ranges::count(gone, checkpoint) != 0; });
    auto& family = fixture.family();

    const auto freed = process::prune(fixture.store(), fixture.process(), planned,
                                      [&](Version checkpoint) -> Result<void> {
                                          fixture.removed.push_back(checkpoint);
                                          if (checkpoint == planned[2])
                                              TRY(family.remove_checkpoint(gone[0]));
                                          if (checkpoint == planned[9])
                                              TRY(family.remove_checkpoint(gone[1]));
                                          return {};
                                      });

    REQUIRE(freed.ok());
    REQUIRE(fixture.removed == fixture.planned);
    REQUIRE(family.verify()->empty());
}
