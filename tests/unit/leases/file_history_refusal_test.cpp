#include "tests/support/history_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
using Catch::Contains;
namespace fs = std::filesystem;

TEST_CASE("what a way back will change is told before, and what is in its way",
          "[leases][history]") {
    HistoryFixture fixture;
    for (const std::string name : {"same", "changed", "theirs", "moved", "old/inside"}) {
        fs::create_directories((fixture.folder.path() / name).parent_path());
        fixture.folder.write(name, "text");
    }
    const auto position = *fixture.history->mark();
    const Tree before = fixture.tree();
    for (const std::string name : {"changed", "theirs"})
        REQUIRE(write_text(*fixture.open(name, kToAppend), " and more") == Errno::success);
    HostDirectory& directory = *fixture.directory;
    REQUIRE(directory.rename("moved", directory, "elsewhere") == Errno::success);
    REQUIRE(directory.rename("old", directory, "new") == Errno::success);
    fixture.kill();
    fixture.folder.write("theirs", "text of somebody else");
    const Tree now = fixture.tree();

    const auto will_change = *fixture.history->forecast(position);
    const auto told = [&](const std::string& name) {
        return will_change({.grant = fixture.folder.name(), .path = name});
    };

    REQUIRE_FALSE(*told("same"));
    REQUIRE_FALSE(*told("never there"));
    REQUIRE(*told("changed"));
    REQUIRE(*told("moved"));
    REQUIRE(*told("elsewhere"));
    REQUIRE(*told("old/inside"));
    REQUIRE(told("theirs").error().message == fixture.refusal(position));
    REQUIRE(fixture.tree() == now);
    fixture.folder.write("theirs", "text and more");
    REQUIRE_FALSE(fixture.history->forecast(HistoryPosition{plain(position) + 1000}).ok());
    REQUIRE(*(*fixture.history->forecast(*fixture.history->mark()))(
                {.grant = fixture.folder.name(), .path = "changed"}) == false);
}

TEST_CASE("what somebody else changed is refused, and all is as it was before",
          "[leases][history]") {
    HistoryFixture fixture;
    fixture.folder.write("first", "first");
    fixture.folder.write("last", "last");
    const auto position = *fixture.history->mark();
    fixture.write("first", "changed first");
    fixture.write("last", "changed last");
    fixture.write("made", "by the guest");
    const auto path = fixture.folder.path() / "first";

    SECTION("its length") {
        std::ofstream(path, std::ios::app) << "!";
        fixture.kill();
        const Tree before = fixture.tree();

        REQUIRE_THAT(fixture.refusal(position),
                     Contains("first has 14 bytes, and this process left it with 13"));
        REQUIRE(fixture.tree() == before);
    }
    SECTION("its content") {
        std::fstream(path) << "CHANGED";
        fs::last_write_time(path, fs::file_time_type::clock::now() + std::chrono::seconds(1));
        fixture.kill();
        const Tree before = fixture.tree();

        REQUIRE_THAT(fixture.refusal(position), Contains("--on-resume keep"));
        REQUIRE(fixture.tree() == before);
    }
    SECTION("the file") {
        fs::remove(path);
        fixture.folder.write("first", "changed first");
        fixture.kill();

        REQUIRE_THAT(fixture.refusal(position), Contains("first "));
    }
    SECTION("that it exists") {
        fs::remove(path);
        fixture.kill();

        REQUIRE_THAT(fixture.refusal(position), Contains("first can't be opened"));
    }
    REQUIRE(fixture.folder.read("last") == "changed last");
    REQUIRE(fixture.folder.read("made") == "by the guest");
}

TEST_CASE("a file that somebody else changed while the process wrote it is refused",
          "[leases][history]") {
    HistoryFixture fixture;
    auto log = fixture.open("log", kToAppend);
    const auto position = *fixture.history->mark();
    REQUIRE(write_text(*log, "ours ") == Errno::success);
    REQUIRE(fixture.history->mark().ok());
    std::ofstream(fixture.folder.path() / "log", std::ios::app) << "theirs ";
    REQUIRE(write_text(*log, "ours") == Errno::success);
    log.reset();

    REQUIRE_THAT(fixture.refusal(position), Contains("was changed by somebody else while"));
    REQUIRE(fixture.folder.read("log") == "ours theirs ours");
}

TEST_CASE("a directory that is kept is taken as it is, and can't be brought back from before",
          "[leases][history]") {
    HistoryFixture fixture;
    fixture.write("file", "old");
    const auto position = *fixture.history->mark();
    fixture.write("file", "new");
    std::ofstream(fixture.folder.path() / "file", std::ios::app) << " and theirs";
    fixture.kill();

    REQUIRE(fixture.history->roll_back(position, [](const Place&) { return Reach::kept; }).ok());

    REQUIRE(fixture.folder.read("file") == "new and theirs");
    REQUIRE_THAT(fixture.refusal(position), Contains("was kept as it was at a resume"));
}

TEST_CASE("what a history names and nobody has granted refuses the way back, untouched",
          "[leases][history][sandbox]") {
    HistoryFixture fixture;
    fixture.write("ours", "old");
    fixture.write("theirs", "old");
    const auto position = *fixture.history->mark();
    fixture.write("theirs", "new");
    fixture.write("ours", "new");
    fixture.kill();

    const auto result = fixture.history->roll_back(position, [](const Place& place) {
        return place.path == "theirs" ? Reach::not_granted : Reach::brought_back;
    });

    REQUIRE_THAT(result.error().message, Contains("theirs is not granted on this host"));
    REQUIRE(fixture.folder.read("theirs") == "new");
    REQUIRE(fixture.folder.read("ours") == "new");
}
