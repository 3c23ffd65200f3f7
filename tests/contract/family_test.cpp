#include <catch2/catch.hpp>

#include "store/difference.hpp"
#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

TEST_CASE("a process that never published reads absent units", "[store]") {
    StoreFixture fixture(any_kind());

    REQUIRE(fixture.at_head(0) == std::nullopt);
    REQUIRE(fixture.family().view_of(fixture.process().id)->version == kNoVersion);
}

TEST_CASE("what was published is read at its checkpoint and at the head", "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();

    const auto first = fixture.publish(token, {encoded(0, 1), encoded(5, 2)}, "one").value();
    const auto second = fixture.publish(token, {encoded(5, 3)}, "two").value();
    fixture.reopen();

    REQUIRE(first < second);
    REQUIRE(fixture.at(first, 0) == 1);
    REQUIRE(fixture.at(first, 5) == 2);
    REQUIRE(fixture.at(second, 0) == 1);
    REQUIRE(fixture.at(second, 5) == 3);
    REQUIRE(fixture.at_head(5) == 3);
    REQUIRE(fixture.at(first, 4) == std::nullopt);
    REQUIRE(as_text(*fixture.family().read_attachment(first)) == "one");
    REQUIRE(as_text(*fixture.family().read_attachment(second)) == "two");
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("incompressible units are read back whole", "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const UnitKey key{kRegion, UnitIndex{3}};
    fixture.publish(token, {encoded(2, 7, true), encoded(3, 8, true), encoded(4, 9, true)}).value();
    fixture.publish(token, {encoded(3, 10, true)}).value();

    ByteVector out(kTestUnitBytes);
    const auto view = *fixture.family().view_of(fixture.process().id);
    REQUIRE(*fixture.family().read_unit(view, key, out) == UnitState::present);

    REQUIRE(out == unit_of(10, true));
}

TEST_CASE("zero units are present and zero", "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const auto before = fixture.publish(token, {encoded(0, 1)}).value();

    const auto after = fixture.publish(token, {encoded(0, 0)}).value();

    REQUIRE(fixture.at(before, 0) == 1);
    REQUIRE(fixture.at(after, 0) == 0);
}

TEST_CASE("a checkpoint's row is what was published, with its place in the tree", "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const auto parent = fixture.publish(token, {}).value();
    Publication publication;
    publication.info.id = *fixture.family().reserve(token);
    publication.info.message = "before the storm";
    publication.info.time_us = 123;
    publication.info.dirty_pages = 4;
    publication.info.written_bytes = 5;
    publication.info.pause_us = 6;
    publication.state_after = ProcessState::suspended;

    REQUIRE(fixture.family().publish(token, publication).ok());
    REQUIRE(fixture.family().note_durable(publication.info.id, 7).ok());
    fixture.reopen();

    const auto info = *fixture.family().checkpoint(publication.info.id);
    REQUIRE(info.parent == parent);
    REQUIRE(info.process == fixture.process().id);
    REQUIRE(info.message == "before the storm");
    REQUIRE(info.time_us == 123);
    REQUIRE(info.dirty_pages == 4);
    REQUIRE(info.written_bytes == 5);
    REQUIRE(info.pause_us == 6);
    REQUIRE(info.durable_us == 7);
    REQUIRE(fixture.family().process(fixture.process().id)->state == ProcessState::suspended);
    REQUIRE(fixture.family().checkpoints(fixture.process().id)->size() == 2);
}

TEST_CASE("a stale owner changes nothing", "[store]") {
    StoreFixture fixture(any_kind());
    const auto stale = fixture.acquire();
    const auto old = fixture.publish(stale, {encoded(1, 1)}).value();
    const auto kept = fixture.publish(stale, {encoded(0, 1)}).value();
    const auto reserved = *fixture.family().reserve(stale);
    const auto owner = fixture.acquire();
    Publication publication;
    publication.info.id = reserved;
    const std::vector units{encoded(0, 66)};
    publication.units = units;

    REQUIRE(fixture.family().publish(stale, publication).error().code == ErrorCode::lease_lost);
    REQUIRE(fixture.family().stage(stale, reserved, units).error().code == ErrorCode::lease_lost);
    REQUIRE(fixture.family().reserve(stale).error().code == ErrorCode::lease_lost);
    REQUIRE(fixture.family().abandon(stale, reserved).error().code == ErrorCode::lease_lost);
    REQUIRE(fixture.family().set_state(stale, ProcessState::exited, 1).error().code ==
            ErrorCode::lease_lost);
    REQUIRE(fixture.family().prune(old, stale).error().code == ErrorCode::lease_lost);

    REQUIRE(fixture.family().checkpoint(old).ok());
    REQUIRE(fixture.family().view_of(fixture.process().id)->version == kept);
    REQUIRE(fixture.at_head(0) == 1);
    REQUIRE(fixture.publish(owner, {encoded(0, 2)}).ok());
    REQUIRE(fixture.at_head(0) == 2);
}

TEST_CASE("staged units are unseen until they are published", "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    fixture.publish(token, {encoded(0, 1)}).value();
    Publication publication;
    publication.info.id = *fixture.family().reserve(token);
    const std::vector first{encoded(0, 2)};
    const std::vector second{encoded(1, 3)};
    const std::vector rest{encoded(2, 4)};

    REQUIRE(fixture.family().stage(token, publication.info.id, first).ok());
    REQUIRE(fixture.family().stage(token, publication.info.id, second).ok());
    REQUIRE(fixture.at_head(0) == 1);
    REQUIRE(fixture.at_head(1) == std::nullopt);
    publication.units = rest;
    REQUIRE(fixture.family().publish(token, publication).ok());

    REQUIRE(fixture.at_head(0) == 2);
    REQUIRE(fixture.at_head(1) == 3);
    REQUIRE(fixture.at_head(2) == 4);
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("what a dead owner had staged never becomes visible", "[store]") {
    StoreFixture fixture(any_kind());
    const auto dead = fixture.acquire();
    fixture.publish(dead, {encoded(0, 1)}).value();
    const auto lost = *fixture.family().reserve(dead);
    REQUIRE(fixture.family().stage(dead, lost, std::vector{encoded(0, 66), encoded(1, 66)}).ok());

    fixture.reopen();
    const auto owner = fixture.acquire();
    const auto view_before = fixture.at_head(0);
    fixture.publish(owner, {encoded(9, 9)}).value();

    REQUIRE(view_before == 1);
    REQUIRE(fixture.at_head(0) == 1);
    REQUIRE(fixture.at_head(1) == std::nullopt);
    REQUIRE(fixture.at_head(9) == 9);
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("a great deal that a dead owner had staged never becomes visible either", "[store]") {
    constexpr std::uint64_t kMany = 4000;  // more than one publish cleans up on its way
    StoreFixture fixture(any_kind());
    const auto dead = fixture.acquire();
    const auto base = fixture.publish(dead, {encoded(kMany - 1, 1)}).value();
    std::vector<EncodedUnit> lost;
    for (std::uint64_t unit = 0; unit < kMany; ++unit)
        lost.push_back(encoded(unit, 66));
    REQUIRE(fixture.family().stage(dead, *fixture.family().reserve(dead), lost).ok());

    const auto owner = fixture.acquire();
    const auto next = fixture.publish(owner, {encoded(0, 2)}).value();
    REQUIRE(fixture.at_head(0) == 2);
    REQUIRE(fixture.at_head(kMany - 2) == std::nullopt);
    REQUIRE(fixture.at_head(kMany - 1) == 1);

    REQUIRE(fixture.family().remove_checkpoint(base).ok());
    REQUIRE(fixture.at(next, kMany - 1) == 1);
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("an incarnation that kept its token gives up what it staged before", "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const auto lost = *fixture.family().reserve(token);
    REQUIRE(fixture.family().stage(token, lost, std::vector{encoded(0, 66)}).ok());

    fixture.reopen();
    fixture.publish(token, {encoded(1, 1)}).value();

    REQUIRE(fixture.at_head(0) == std::nullopt);
    REQUIRE(fixture.at_head(1) == 1);
}

TEST_CASE("an abandoned version cannot be published", "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    Publication publication;
    publication.info.id = *fixture.family().reserve(token);
    REQUIRE(fixture.family().stage(token, publication.info.id, std::vector{encoded(0, 66)}).ok());

    REQUIRE(fixture.family().abandon(token, publication.info.id).ok());
    fixture.publish(token, {encoded(1, 1)}).value();

    REQUIRE_FALSE(fixture.family().publish(token, publication).ok());
    REQUIRE(fixture.at_head(0) == std::nullopt);
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("numbers grow and are not given out twice, however often the store is opened",
          "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    Version last = kNoVersion;
    for (int round = 0; round < 5; ++round) {
        const auto version = *fixture.family().reserve(token);
        REQUIRE(version > last);
        last = version;
        fixture.reopen();
    }
}

TEST_CASE("going on from an older checkpoint opens a branch and keeps the other", "[store]") {
    StoreFixture fixture(any_kind());
    const auto first_owner = fixture.acquire();
    const auto base = fixture.publish(first_owner, {encoded(0, 1), encoded(1, 1)}).value();
    const auto trunk = fixture.publish(first_owner, {encoded(0, 2)}).value();

    const auto owner = fixture.acquire(base);
    const auto at_fork = fixture.at_head(0);
    const auto twig = fixture.publish(owner, {encoded(1, 3)}).value();

    REQUIRE(at_fork == 1);
    REQUIRE(fixture.at(twig, 0) == 1);
    REQUIRE(fixture.at(twig, 1) == 3);
    REQUIRE(fixture.at(trunk, 0) == 2);
    REQUIRE(fixture.at(trunk, 1) == 1);
    REQUIRE(fixture.family().checkpoint(twig)->parent == base);
    REQUIRE(fixture.family().checkpoint(twig)->branch !=
            fixture.family().checkpoint(trunk)->branch);
    REQUIRE(fixture.family().checkpoints(fixture.process().id)->size() == 3);
    REQUIRE(fixture.family().acquire(fixture.process().id, Version{999}).error().code ==
            ErrorCode::not_found);
}

TEST_CASE("a removed parent gives way to the nearest checkpoint before it", "[store]") {
    StoreFixture fixture(any_kind());
    const auto trunk_owner = fixture.acquire();
    const auto root = fixture.publish(trunk_owner, {encoded(0, 1)}).value();
    const auto fork = fixture.publish(trunk_owner, {encoded(0, 2)}).value();
    const auto top = fixture.publish(trunk_owner, {encoded(0, 3)}).value();
    const auto twig_owner = fixture.acquire(fork);
    const auto twig = fixture.publish(twig_owner, {encoded(0, 4)}).value();
    const auto leaf = fixture.publish(twig_owner, {encoded(0, 5)}).value();

    REQUIRE(fixture.family().remove_checkpoint(fork).ok());
    REQUIRE(fixture.family().remove_checkpoint(twig).ok());

    const auto parents_left = [&] {
        std::map<Version, Version> parents;
        const auto left = fixture.family().checkpoints(fixture.process().id).value();
        for (const CheckpointInfo& info : left)
            parents[info.id] = info.parent;
        return parents;
    };
    REQUIRE(parents_left() ==
            std::map<Version, Version>{{root, kNoVersion}, {top, root}, {leaf, root}});
    REQUIRE(fixture.family().remove_checkpoint(root).ok());
    REQUIRE(parents_left() == std::map<Version, Version>{{top, kNoVersion}, {leaf, kNoVersion}});
}

TEST_CASE("taking over at the head stays on the branch", "[store]") {
    StoreFixture fixture(any_kind());
    const auto head = fixture.publish(fixture.acquire(), {encoded(0, 1)}).value();
    const auto before = *fixture.family().view_of(fixture.process().id);

    fixture.acquire(head);

    REQUIRE(fixture.family().view_of(fixture.process().id)->branch == before.branch);
}

TEST_CASE("the head of a process cannot be removed", "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const auto first = fixture.publish(token, {encoded(0, 1)}).value();
    const auto head = fixture.publish(token, {encoded(1, 1)}).value();

    REQUIRE(fixture.family().remove_checkpoint(head).error().code == ErrorCode::busy);
    REQUIRE(fixture.family().remove_checkpoint(first).ok());
    REQUIRE(fixture.family().remove_checkpoint(first).error().code == ErrorCode::not_found);

    REQUIRE(fixture.family().read_attachment(first).error().code == ErrorCode::not_found);
    REQUIRE(fixture.at(head, 0) == 1);
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("a walk over a view gives each unit that it sees once, in order", "[store]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const auto base = fixture.publish(token, {encoded(1, 1), encoded(3, 3, true), encoded(5, 5)});
    fixture.publish(token, {encoded(0, 66), encoded(1, 66)}).value();
    const auto owner = fixture.acquire(*base);
    const auto twig = fixture.publish(owner, {encoded(3, 33, true), encoded(4, 44)}).value();

    std::vector<std::pair<std::uint64_t, int>> seen;
    const auto result = fixture.family().for_each_unit(
        *fixture.family().view_of(twig), [&](UnitKey key, Bytes value) -> Result<void> {
            ByteVector out(kTestUnitBytes);
            TRY(decode_unit(key, value, out));
            seen.emplace_back(static_cast<std::uint64_t>(key.unit), std::to_integer<int>(out[0]));
            return {};
        });

    REQUIRE(result.ok());
    const int noise = std::to_integer<int>(unit_of(33, true)[0]);
    REQUIRE(seen ==
            std::vector<std::pair<std::uint64_t, int>>{{1, 1}, {3, noise}, {4, 44}, {5, 5}});
}

TEST_CASE("a walk stops at the visitor's error", "[store]") {
    StoreFixture fixture(any_kind());
    const auto head = fixture.publish(fixture.acquire(), {encoded(0, 1), encoded(1, 1)}).value();
    int visits = 0;

    const auto result = fixture.family().for_each_unit(
        *fixture.family().view_of(head), [&](UnitKey, Bytes) -> Result<void> {
            ++visits;
            return fail(ErrorCode::interrupted, "enough");
        });

    REQUIRE(result.error().code == ErrorCode::interrupted);
    REQUIRE(visits == 1);
}

TEST_CASE("the difference of two checkpoints is what one sees otherwise than the other",
          "[store]") {
    StoreFixture fixture(any_kind());
    auto token = fixture.acquire();
    const auto root =
        fixture.publish(token, {encoded(0, 1), encoded(1, 1), encoded(2, 1), encoded(9, 1)})
            .value();
    const auto left = fixture.publish(token, {encoded(1, 2), encoded(5, 2)}).value();
    token = fixture.acquire(root);
    const auto right = fixture.publish(token, {encoded(2, 3), encoded(9, 3)}).value();
    const auto differences = [&](Version from, Version to) {
        std::map<std::uint64_t, int> found;
        const auto visit = [&](UnitKey key, Bytes value) -> Result<void> {
            ByteVector unit(kTestUnitBytes);
            TRY(decode_unit(key, value, unit));
            found[static_cast<std::uint64_t>(key.unit)] = std::to_integer<int>(unit[0]);
            return {};
        };
        REQUIRE(for_each_difference(fixture.family(), from, to, visit).ok());
        return found;
    };
    using Units = std::map<std::uint64_t, int>;

    REQUIRE(differences(root, root).empty());
    REQUIRE(differences(root, left) == Units{{1, 2}, {5, 2}});
    REQUIRE(differences(left, root) == Units{{1, 1}, {5, 0}});
    REQUIRE(differences(left, right) == Units{{1, 1}, {2, 3}, {5, 0}, {9, 3}});
    REQUIRE_FALSE(for_each_difference(fixture.family(), root, Version{99}, {}).ok());
}
