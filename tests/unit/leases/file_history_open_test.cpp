#include "tests/support/history_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
namespace fs = std::filesystem;

TEST_CASE("a file that was removed while it was open is read and written on after a resume",
          "[leases][history]") {
    HistoryFixture fixture;
    auto file = fixture.open("scratch", kToChange);
    REQUIRE(write_text(*file, "0123456789") == Errno::success);
    const auto earlier = *fixture.history->mark();
    REQUIRE(fixture.directory->unlink_file("scratch") == Errno::success);
    REQUIRE(file->status()->link_count == 0);
    REQUIRE(write_at(*file, "abc", 2) == Errno::success);
    const auto position = *fixture.history->mark();
    const auto state = file->capture();
    REQUIRE(write_at(*file, "XYZ", 0) == Errno::success);
    file.reset();

    fixture.kill();
    REQUIRE(fixture.roll_back(position).ok());
    const auto service = restore_service(ServiceKind::file, state.value());
    REQUIRE((*service)->probe(fixture.host).ok());
    REQUIRE((*service)->reacquire(fixture.host).ok());

    auto& resumed = static_cast<Descriptor&>(**service);
    REQUIRE(*resumed.seek(0, Whence::set) == 0);
    REQUIRE(*read_text(resumed) == "01abc56789");
    REQUIRE(write_at(resumed, "!", 9) == Errno::success);
    REQUIRE(fixture.tree().empty());
    (*service)->release();
    REQUIRE(fixture.roll_back(earlier).ok());
    REQUIRE(fixture.folder.read("scratch") == "0123456789");
}

TEST_CASE(
    "what is removed while it is open is kept under every policy, and before a checkpoint too",
    "[leases][history]") {
    const auto policy = GENERATE(OnResume::rollback, OnResume::keep, OnResume::refuse);
    const bool is_replaced = GENERATE(false, true);
    HistoryFixture fixture(policy);
    auto file = fixture.open("scratch", kToChange);
    REQUIRE(write_text(*file, "mine") == Errno::success);

    if (is_replaced) {
        fixture.write("other", "another");
        REQUIRE(fixture.directory->rename("other", *fixture.directory, "scratch") ==
                Errno::success);
    } else {
        REQUIRE(fixture.directory->unlink_file("scratch") == Errno::success);
    }
    const auto position = *fixture.history->mark();
    const auto state = file->capture();
    file.reset();
    fixture.kill();
    const auto reached = policy == OnResume::keep ? Reach::kept : Reach::brought_back;
    REQUIRE(fixture.history->roll_back(position, [&](const Place&) { return reached; }).ok());

    const auto service = restore_service(ServiceKind::file, state.value());
    REQUIRE((*service)->reacquire(fixture.host).ok());
    auto& resumed = static_cast<Descriptor&>(**service);
    REQUIRE(*resumed.seek(0, Whence::set) == 0);
    REQUIRE(*read_text(resumed) == "mine");
    (*service)->release();
}

TEST_CASE("what was removed while it is open twice is kept until it is closed twice",
          "[leases][history]") {
    HistoryFixture fixture;
    const auto attic = fixture.store.path() / "files/attic";
    LeaseManager manager(fixture.host, store::Epoch{1});
    const LeaseId one = manager.grant(fixture.open("scratch", kToChange));
    const LeaseId other = manager.grant(fixture.open("scratch", kToChange));
    REQUIRE(write_text(static_cast<Descriptor&>(**manager.use(one)), "mine") == Errno::success);
    REQUIRE(fixture.directory->unlink_file("scratch") == Errno::success);
    REQUIRE(fixture.history->mark().ok());
    const auto drop = [&] {
        fixture.write("other", "a change since");
        const auto position = *fixture.history->mark();
        REQUIRE(fixture.history->drop_before(position).ok());
    };
    const bool is_used_before = GENERATE(false, true);
    REQUIRE(manager.expire_all().ok());

    if (is_used_before) REQUIRE(manager.use(one).ok());
    manager.give_back(one);
    drop();

    auto kept = manager.use(other);
    REQUIRE(kept.ok());
    CHECK(*read_text(static_cast<Descriptor&>(**kept)) == "mine");
    REQUIRE(manager.expire_all().ok());
    manager.give_back(other);
    drop();
    CHECK(fs::is_empty(attic));
}
