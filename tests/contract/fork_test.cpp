#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

/// A process `guest` with the checkpoints 1 ► 2 ► 3, whose unit 0 has the same number.
struct ForkFixture : StoreFixture {
    explicit ForkFixture(const std::string& kind) : StoreFixture(kind), token(acquire()) {
        for (std::uint8_t value = 1; value <= 3; ++value)
            checkpoints.push_back(publish(token, {encoded(0, value), encoded(value, 9)}).value());
    }

    ProcessRecord fork(Version from, const std::string& name) {
        const std::vector<NewProcess> copies{{.name = name, .generation = 1}};
        return store().fork_process(process(), from, copies).value().front();
    }

    std::optional<int> at_head_of(const ProcessRecord& record, std::uint64_t index) {
        ByteVector out(kTestUnitBytes);
        const auto view = family().view_of(record.id).value();
        const auto state = family().read_unit(view, {kRegion, UnitIndex{index}}, out).value();
        if (state == UnitState::absent) return std::nullopt;
        return std::to_integer<int>(out[0]);
    }

    std::vector<Version> history_of(const ProcessRecord& record) {
        std::vector<Version> versions;
        const auto history = family().checkpoints(record.id).value();
        for (const CheckpointInfo& info : history)
            versions.push_back(info.id);
        return versions;
    }

    FencingToken token;
    std::vector<Version> checkpoints;
};

}  // namespace

TEST_CASE("a fork stands at its checkpoint, has its own identity and the same past",
          "[store][fork]") {
    ForkFixture fixture(any_kind());
    const Version middle = fixture.checkpoints[1];

    const auto copy = fixture.fork(middle, "copy");
    fixture.reopen();

    const auto found = fixture.store().find_process("copy").value();
    REQUIRE(found.id == copy.id);
    REQUIRE(found.id != fixture.process().id);
    REQUIRE(found.family == fixture.process().family);
    REQUIRE(found.state == ProcessState::suspended);
    REQUIRE(found.head == middle);
    REQUIRE(found.generation == 1);
    REQUIRE(fixture.at_head_of(copy, 0) == 2);
    REQUIRE(fixture.at_head_of(copy, 3) == std::nullopt);
    REQUIRE(fixture.history_of(copy) ==
            std::vector{fixture.checkpoints[0], fixture.checkpoints[1]});
    REQUIRE(fixture.family().verify()->empty());
    REQUIRE(fixture.store().verify_catalogue()->empty());
}

TEST_CASE("what a fork and its origin write does not reach the other", "[store][fork]") {
    ForkFixture fixture(any_kind());
    const auto copy = fixture.fork(fixture.checkpoints[1], "copy");

    const auto copy_token = *fixture.family().acquire(copy.id, std::nullopt);
    const auto own = fixture.publish(copy_token, {encoded(0, 50)}).value();
    fixture.publish(fixture.token, {encoded(0, 60)}).value();

    REQUIRE(fixture.at_head_of(copy, 0) == 50);
    REQUIRE(fixture.at_head_of(copy, 1) == 9);
    REQUIRE(fixture.at_head(0) == 60);
    REQUIRE(fixture.family().checkpoint(own)->process == copy.id);
    REQUIRE(fixture.family().checkpoint(own)->parent == fixture.checkpoints[1]);
}

TEST_CASE("a fork that is acquired runs, and is its maker's until somebody else takes over",
          "[store][fork]") {
    ForkFixture fixture(any_kind());
    const std::vector<NewProcess> copies{{.name = "copy", .is_acquired = true}};
    const auto copy =
        fixture.store().fork_process(fixture.process(), fixture.checkpoints[1], copies)->front();
    const FencingToken maker{copy.id, copy.epoch};

    CHECK(copy.state == ProcessState::running);
    CHECK(fixture.publish(maker, {encoded(0, 50)}).ok());
    REQUIRE(fixture.family().acquire(copy.id, std::nullopt).ok());
    CHECK(fixture.publish(maker, {encoded(0, 60)}).error().code == ErrorCode::lease_lost);
    CHECK(fixture.at_head_of(copy, 0) == 50);
}

TEST_CASE("forks are all there or none is, and are granted what was granted", "[store][fork]") {
    ForkFixture fixture(any_kind());
    REQUIRE(fixture.store().set_grants(fixture.process().id, as_bytes("a folder")).ok());
    const std::vector<NewProcess> twice{{.name = "new"}, {.name = "new"}};
    const std::vector<NewProcess> taken{{.name = "new"}, {.name = "guest"}};
    const std::vector<NewProcess> good{{.name = "one"}, {.name = "two"}};

    for (const auto& refused : {twice, taken}) {
        const auto result =
            fixture.store().fork_process(fixture.process(), fixture.checkpoints[0], refused);
        REQUIRE(result.error().code == ErrorCode::already_exists);
    }
    REQUIRE(fixture.store().fork_process(fixture.process(), Version{99}, good).error().code ==
            ErrorCode::not_found);
    REQUIRE(fixture.store().processes()->size() == 1);

    const auto copies =
        fixture.store().fork_process(fixture.process(), fixture.checkpoints[0], good).value();
    REQUIRE(fixture.store().processes()->size() == 3);
    REQUIRE(as_text(*fixture.store().grants(copies[1].id)) == "a folder");
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("the checkpoint that a fork stands at stays until the fork has gone on",
          "[store][fork]") {
    ForkFixture fixture(any_kind());
    const auto copy = fixture.fork(fixture.checkpoints[1], "copy");

    REQUIRE(fixture.family().remove_checkpoint(fixture.checkpoints[1]).error().code ==
            ErrorCode::busy);

    const auto copy_token = *fixture.family().acquire(copy.id, std::nullopt);
    fixture.publish(copy_token, {encoded(5, 5)}).value();
    REQUIRE(fixture.family().remove_checkpoint(fixture.checkpoints[1]).ok());
    REQUIRE(fixture.at_head_of(copy, 0) == 2);
    REQUIRE(fixture.at_head_of(copy, 2) == 9);
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("a process is removed from its family and its forks go on", "[store][fork]") {
    ForkFixture fixture(any_kind());
    const auto copy = fixture.fork(fixture.checkpoints[1], "copy");
    REQUIRE(fixture.family().set_tag(fixture.checkpoints[1], "good", false).ok());

    REQUIRE(fixture.store().remove_process(fixture.process().id).ok());

    REQUIRE(fixture.history_of(copy) == std::vector{fixture.checkpoints[1]});
    const auto inherited = fixture.family().checkpoint(fixture.checkpoints[1]).value();
    REQUIRE(inherited.process == copy.id);
    REQUIRE(inherited.tags == std::vector<std::string>{"good"});
    REQUIRE(fixture.at_head_of(copy, 0) == 2);
    REQUIRE(fixture.at_head_of(copy, 1) == 9);
    REQUIRE(fixture.family().process(fixture.process().id).error().code == ErrorCode::not_found);
    REQUIRE(fixture.family().verify()->empty());
}

TEST_CASE("a fork is removed without a trace in its family", "[store][fork]") {
    ForkFixture fixture(any_kind());
    const auto copy = fixture.fork(fixture.checkpoints[1], "copy");
    const auto copy_token = *fixture.family().acquire(copy.id, fixture.checkpoints[0]);
    fixture.publish(copy_token, {encoded(0, 50)}).value();
    const std::vector units{encoded(0, 51)};
    REQUIRE(fixture.family().stage(copy_token, *fixture.family().reserve(copy_token), units).ok());

    REQUIRE(fixture.store().remove_process(copy.id).ok());

    REQUIRE(fixture.store().processes()->size() == 1);
    REQUIRE(fixture.history_of(fixture.process()) == fixture.checkpoints);
    REQUIRE(fixture.at_head(0) == 3);
    REQUIRE(fixture.family().verify()->empty());
    REQUIRE(fixture.family().remove_checkpoint(fixture.checkpoints[1]).ok());
}

TEST_CASE("what a removal frees is what nobody else reads", "[store][fork]") {
    ForkFixture fixture(any_kind());
    const std::string state = "state";
    const auto bytes_of = [&](std::uint64_t index, std::uint8_t value) {
        return encoded(index, value).value.size();
    };
    const auto freed_by = [&](const Removal& removal) {
        return fixture.family().bytes_freed_by(removal).value();
    };
    const auto first = freed_by({.checkpoints = {fixture.checkpoints[0]}});
    const auto copy = fixture.fork(fixture.checkpoints[1], "copy");
    const auto copy_token = *fixture.family().acquire(copy.id, std::nullopt);
    fixture.publish(copy_token, {encoded(0, 50)}).value();

    // The second checkpoint wrote unit 0 anew, and reads unit 1 of the first.
    REQUIRE(first >= bytes_of(0, 1) + state.size());
    REQUIRE(freed_by({.checkpoints = {fixture.checkpoints[0]}}) == first);
    // Everything of the second is read at the fork.
    REQUIRE(freed_by({.checkpoints = {fixture.checkpoints[1]}}) < first);
    REQUIRE(freed_by({.checkpoints = {}, .process = copy.id}) >= bytes_of(0, 50));
    REQUIRE(freed_by({.checkpoints = {fixture.checkpoints[0], fixture.checkpoints[1]}}) ==
            freed_by({.checkpoints = {fixture.checkpoints[0]}}) +
                freed_by({.checkpoints = {fixture.checkpoints[1]}}));
    REQUIRE(
        fixture.family().bytes_freed_by({.checkpoints = {fixture.checkpoints[2]}}).error().code ==
        ErrorCode::busy);
    REQUIRE(fixture.family().bytes_freed_by({.checkpoints = {Version{99}}}).error().code ==
            ErrorCode::not_found);
    REQUIRE(fixture.history_of(fixture.process()) == fixture.checkpoints);
}
