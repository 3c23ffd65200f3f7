#include <array>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/checkpoint/holder.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a store of any unit carries a process through all its verbs, by every mechanism",
          "[store]") {
    const auto program = guest("holder");
    if (!program) return;
    const std::string unit = GENERATE("4K", "16K", "64K");
    const std::string mechanism = GENERATE("uffd-async", "uffd-sync", "mprotect");
    const ProcessFixture here;
    const ProcessFixture there;
    const std::string expected = here.run({"run", *program}).out;
    INFO(unit << " with " << mechanism);
    REQUIRE(here.run({"store", "init", "--unit", unit}).exit_code == 0);
    REQUIRE(there.run({"store", "init", "--unit", unit}).exit_code == 0);

    const std::string begun =
        suspend_when_changed(here, *program, {"--heap-mechanism=" + mechanism});
    if (begun.empty()) return;  // not on this host, and said so
    const std::string image = here.folder() / "job.image";
    const VmResult exported = here.run({"export", "job", "-o", image});
    const VmResult imported = there.run({"import", image});
    const VmResult resumed = here.run({"resume", "--heap-mechanism=" + mechanism, "job"});
    const VmResult moved = there.run({"resume", "--heap-mechanism=" + mechanism, "job"});

    REQUIRE(exported.exit_code == 0);
    REQUIRE(imported.out == "job\n");
    REQUIRE(resumed.exit_code == 0);
    REQUIRE(begun + resumed.out == expected);
    REQUIRE(begun + moved.out == expected);
    REQUIRE(here.run_json({"store", "init", "--unit", unit})["unit_bytes"].get<int>() ==
            std::stoi(unit) * 1024);
}

TEST_CASE("a store that is there is left as it is, or the difference is named", "[store]") {
    const ProcessFixture fixture;
    const std::string place = fixture.folder() / "place";

    const auto made = fixture.run_json({"store", "init", place, "--unit", "4K"});
    const auto again = fixture.run_json({"store", "init", "--store", place, "--unit", "4K"});
    const VmResult other = fixture.run({"store", "init", place});

    REQUIRE(made["schema"] == 1);
    REQUIRE(made["store"] == place);
    REQUIRE(made["unit_bytes"] == 4096);
    REQUIRE(made["created"] == true);
    REQUIRE(again["created"] == false);
    REQUIRE(other.exit_code == 125);
    REQUIRE(contains(other.err, place));
    REQUIRE(contains(other.err, "4K"));
    REQUIRE(contains(other.err, "16K"));
}

TEST_CASE("an image of another unit is refused with the command that makes a store for it",
          "[store]") {
    const auto program = guest("holder");
    if (!program) return;
    const ProcessFixture here;
    const ProcessFixture there;
    REQUIRE(here.run({"store", "init", "--unit", "64K"}).exit_code == 0);
    suspend_when_changed(here, *program, {});
    const std::string image = here.folder() / "job.image";
    REQUIRE(here.run({"export", "job", "-o", image}).exit_code == 0);

    const VmResult refused = there.run({"import", image});

    REQUIRE(refused.exit_code == 125);
    REQUIRE(contains(refused.err, "vm store init --unit 64K"));
}

TEST_CASE("what is no place for a store is named with the remedy", "[store]") {
    const ProcessFixture fixture;
    const std::string folder = fixture.folder();
    fs::create_directory(fixture.folder() / "thesis");
    std::ofstream(fixture.folder() / "thesis" / "chapter.txt") << "years of work";
    fs::create_directory(fixture.folder() / "newer");
    std::ofstream(fixture.folder() / "newer" / "format") << "sojourn store 99\n";
    fs::create_directory(fixture.folder() / "empty");
    const std::pair<std::vector<std::string>, std::string> commands[] = {
        {{"store"}, "vm help store"},
        {{"store", "dance"}, "vm help store"},
        {{"store", "init", "--unit", "5K"}, "16K"},
        {{"store", "init", "mem:"}, "directory"},
        {{"store", "init", folder + "/a", "--store", folder + "/b"}, "two places"},
        {{"store", "init", folder + "/thesis"}, "holds other files"},
        {{"store", "init", folder + "/newer"}, "sojourn store 99"},
        {{"store", "init", "/proc/nowhere"}, "/proc"},
        {{"ps", "--store", folder + "/thesis"}, "holds other files"},
        {{"ps", "--store", folder + "/newer"}, "sojourn store 99"},
        {{"ps", "--store", folder + "/empty"}, "vm store init"},
        {{"ps", "--store", folder + "/nowhere"}, "vm store init"},
    };
    for (const auto& [command, part] : commands) {
        const VmResult result = fixture.run(command);
        INFO(result.err);
        CHECK(result.exit_code == 125);
        CHECK(result.err.starts_with("vm: error: "));
        CHECK(contains(result.err, part));
        CHECK(result.out.empty());
    }
    REQUIRE(contains(fixture.run({"help", "store", "init"}).out, "--unit"));
}
