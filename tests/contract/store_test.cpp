#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

TEST_CASE("a process is found by its name, its id and a prefix of its id", "[store]") {
    StoreFixture fixture(any_kind());
    const auto id = fixture.process().id;

    fixture.reopen();

    REQUIRE(fixture.store().find_process("guest")->id == id);
    REQUIRE(fixture.store().find_process(id.hex())->id == id);
    REQUIRE(fixture.store().find_process(id.hex().substr(0, 8))->id == id);
    REQUIRE(fixture.store().find_process(id.hex().substr(0, 3)).error().code ==
            ErrorCode::not_found);
    REQUIRE(fixture.store().find_process("").error().code == ErrorCode::not_found);
    REQUIRE(fixture.store().find_process("nobody").error().code == ErrorCode::not_found);
}

TEST_CASE("a name belongs to one process", "[store]") {
    StoreFixture fixture(any_kind());

    REQUIRE(fixture.store().create_process({.name = "guest"}).error().code ==
            ErrorCode::already_exists);
    REQUIRE(fixture.store().create_process({}).ok());
    REQUIRE(fixture.store().create_process({}).ok());

    REQUIRE(fixture.store().processes()->size() == 3);
}

TEST_CASE("a name that a command line could not carry is refused", "[store]") {
    StoreFixture fixture(any_kind());
    const auto* name = GENERATE("a@7", "a/b", "a b", "a\n", "a:b");

    REQUIRE(fixture.store().create_process({.name = name}).error().code ==
            ErrorCode::invalid_argument);
}

TEST_CASE("processes are listed by age with what they did last", "[store]") {
    StoreFixture fixture(any_kind());
    fixture.store().create_process({.name = "elder", .generation = 3, .created_us = 1}).value();
    fixture.publish(fixture.acquire(), {encoded(0, 1)}).value();
    const auto token = fixture.acquire();
    REQUIRE(fixture.family().set_state(token, ProcessState::exited, 7).ok());

    fixture.reopen();
    const auto processes = *fixture.store().processes();

    REQUIRE(processes.size() == 2);
    REQUIRE(processes[0].name == "elder");
    REQUIRE(processes[0].generation == 3);
    REQUIRE(processes[0].state == ProcessState::created);
    REQUIRE(processes[1].name == "guest");
    REQUIRE(processes[1].state == ProcessState::exited);
    REQUIRE(processes[1].exit_code == 7);
    REQUIRE(processes[1].epoch == token.epoch);
    REQUIRE(processes[1].head != kNoVersion);
}

TEST_CASE("a removed process leaves its name and its family free", "[store]") {
    StoreFixture fixture(any_kind());

    REQUIRE(fixture.store().remove_process(fixture.process().id).ok());

    REQUIRE(fixture.store().processes()->empty());
    REQUIRE(fixture.store().family(fixture.process().family).error().code == ErrorCode::not_found);
    REQUIRE(fixture.store().create_process({.name = "guest"}).ok());
    REQUIRE(fixture.store().remove_process(fixture.process().id).error().code ==
            ErrorCode::not_found);
}

TEST_CASE("what a process was granted is kept beside it and goes with it", "[store]") {
    StoreFixture fixture(any_kind());
    const auto id = fixture.process().id;
    REQUIRE(fixture.store().grants(id)->empty());

    REQUIRE(fixture.store().set_grants(id, as_bytes("a directory")).ok());
    REQUIRE(fixture.store().set_grants(id, as_bytes("another")).ok());
    fixture.reopen();

    REQUIRE(as_text(*fixture.store().grants(id)) == "another");
    REQUIRE(fixture.store().verify_catalogue()->empty());
    REQUIRE(fixture.store().remove_process(id).ok());
    REQUIRE(fixture.store().grants(id).error().code == ErrorCode::not_found);
    REQUIRE(fixture.store().set_grants(id, {}).error().code == ErrorCode::not_found);
}

TEST_CASE("a module is kept under its digest", "[store]") {
    StoreFixture fixture(any_kind());
    const ByteVector module = unit_of(5, true);

    const auto digest = fixture.store().put_module(module).value();
    const auto again = fixture.store().put_module(module).value();
    fixture.reopen();

    REQUIRE(digest == sha256_of(module));
    REQUIRE(again == digest);
    REQUIRE(*fixture.store().module(digest) == module);
    REQUIRE(fixture.store().module(sha256_of({})).error().code == ErrorCode::not_found);
}

TEST_CASE("an unpublished draft is seen by nobody and leaves nothing", "[store]") {
    StoreFixture fixture(any_kind());
    FamilyId family;
    {
        const auto draft = fixture.store().draft_process({.name = "draft"}).value();
        family = draft->record().family;
        REQUIRE(draft->family()->acquire(draft->record().id, std::nullopt).ok());
        REQUIRE(fixture.store().find_process("draft").error().code == ErrorCode::not_found);
    }

    REQUIRE(fixture.store().processes()->size() == 1);
    REQUIRE(fixture.store().family(family).error().code == ErrorCode::not_found);
}
