#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

using Tags = std::vector<std::string>;

/// The tags of each checkpoint of the fixture's process that has any.
std::map<Version, Tags> tags_in(StoreFixture& fixture) {
    std::map<Version, Tags> tags;
    const auto history = fixture.family().checkpoints(fixture.process().id).value();
    for (const CheckpointInfo& info : history) {
        REQUIRE(fixture.family().checkpoint(info.id)->tags == info.tags);
        if (!info.tags.empty()) tags[info.id] = info.tags;
    }
    return tags;
}

}  // namespace

TEST_CASE("tags are there when the store is opened again", "[store][tags]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const auto first = fixture.publish(token, {encoded(0, 1)}).value();
    const auto second = fixture.publish(token, {encoded(0, 2)}).value();

    REQUIRE(fixture.family().set_tag(first, "good", false).ok());
    REQUIRE(fixture.family().set_tag(first, "best", false).ok());
    REQUIRE(fixture.family().set_tag(first, "best", false).ok());
    REQUIRE(fixture.family().set_tag(second, "last", false).ok());
    fixture.reopen();

    REQUIRE(tags_in(fixture) ==
            std::map<Version, Tags>{{first, {"best", "good"}}, {second, {"last"}}});
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("a tag is moved only when that is asked for", "[store][tags]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const auto first = fixture.publish(token, {}).value();
    const auto second = fixture.publish(token, {}).value();
    REQUIRE(fixture.family().set_tag(first, "good", false).ok());

    const auto refused = fixture.family().set_tag(second, "good", false);

    REQUIRE(refused.error().code == ErrorCode::already_exists);
    REQUIRE(tags_in(fixture) == std::map<Version, Tags>{{first, {"good"}}});
    REQUIRE(fixture.family().set_tag(second, "good", true).ok());
    REQUIRE(tags_in(fixture) == std::map<Version, Tags>{{second, {"good"}}});
}

TEST_CASE("a tag is taken away, and goes with its checkpoint", "[store][tags]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const auto first = fixture.publish(token, {}).value();
    const auto second = fixture.publish(token, {}).value();
    REQUIRE(fixture.family().set_tag(first, "a", false).ok());
    REQUIRE(fixture.family().set_tag(first, "b", false).ok());

    REQUIRE(fixture.family().remove_tag(first, "a").ok());
    REQUIRE(fixture.family().remove_tag(first, "a").error().code == ErrorCode::not_found);
    REQUIRE(tags_in(fixture) == std::map<Version, Tags>{{first, {"b"}}});

    REQUIRE(fixture.family().remove_checkpoint(first).ok());
    REQUIRE(tags_in(fixture).empty());
    REQUIRE(fixture.family().set_tag(second, "b", false).ok());
}

TEST_CASE("a tagged checkpoint is removed by its name and by no rule", "[store][tags]") {
    StoreFixture fixture(any_kind());
    const auto token = fixture.acquire();
    const auto tagged = fixture.publish(token, {}).value();
    const auto plain = fixture.publish(token, {}).value();
    fixture.publish(token, {}).value();
    REQUIRE(fixture.family().set_tag(tagged, "good", false).ok());

    REQUIRE(fixture.family().prune(tagged, token).error().code == ErrorCode::busy);
    REQUIRE(fixture.family().prune(tagged, std::nullopt).error().code == ErrorCode::busy);
    REQUIRE(fixture.family().prune(plain, std::nullopt).ok());
    REQUIRE(fixture.family().remove_checkpoint(tagged).ok());
}

TEST_CASE("what is no tag, and no checkpoint, is refused", "[store][tags]") {
    StoreFixture fixture(any_kind());
    const auto checkpoint = fixture.publish(fixture.acquire(), {}).value();

    REQUIRE(fixture.family().set_tag(checkpoint, "", false).error().code ==
            ErrorCode::invalid_argument);
    REQUIRE(fixture.family().set_tag(checkpoint, std::string(201, 'a'), false).error().code ==
            ErrorCode::invalid_argument);
    REQUIRE(fixture.family().set_tag(Version{99}, "good", false).error().code ==
            ErrorCode::not_found);
}
