#include <csignal>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// `2026-11-21T20:15:07.123456Z`
bool is_utc_time(const std::string& text) {
    return text.size() == 27 && text[10] == 'T' && text.back() == 'Z';
}

}  // namespace

TEST_CASE("a process blocked in a sleep is suspended at once and wakes up after the resume",
          "[process]") {
    const auto program = guest("sleeper");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program, "600"});
    await_output(runner, "asleep");

    const VmResult suspended = fixture.run({"suspend", "job"});

    REQUIRE(suspended.exit_code == 0);
    REQUIRE(runner.has_ended());
    REQUIRE(runner.wait().exit_code == 75);
    REQUIRE(contains(runner.wait().err, "vm resume job"));
    REQUIRE(fixture.row_of("job")["state"] == "suspended");

    const VmResult resumed = fixture.run({"resume", "job"});

    REQUIRE(resumed.exit_code == 0);
    REQUIRE(resumed.out == "awake\n");
    REQUIRE(fixture.row_of("job")["state"] == "exited");
}

TEST_CASE("a runner that is told to terminate suspends its process", "[process]") {
    const auto program = guest("sleeper");
    if (!program) return;
    const ProcessFixture fixture;
    for (const int signal : {SIGTERM, SIGHUP}) {
        VmProcess runner = fixture.start({"run", "--name", "job", "--replace", *program, "300"});
        await_output(runner, "asleep");

        runner.send(signal);

        REQUIRE(runner.wait().exit_code == 75);
        REQUIRE(fixture.run({"resume", "job"}).out == "awake\n");
    }
}

TEST_CASE("an interrupted runner dies as a shell expects and its process has crashed",
          "[process]") {
    const auto program = guest("endless");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program});
    await_output(runner, "begun");

    runner.send(SIGINT);

    REQUIRE(runner.wait().exit_code == 130);
    REQUIRE(fixture.row_of("job")["state"] == "crashed");
    const VmResult resumed = fixture.run({"resume", "job"});
    REQUIRE(resumed.exit_code == 125);
    REQUIRE(contains(resumed.err, "--replace"));
}

TEST_CASE("while the owner lives, a second resume, a replacement and a removal are refused",
          "[process]") {
    const auto program = guest("endless");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program});
    await_output(runner, "begun");
    const std::string pid = std::to_string(runner.pid());
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);

    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"resume", "job"},
          {"resume", "job@1"},
          {"rm", "job"},
          {"run", "--name", "job", "--replace", *program}}) {
        const VmResult refused = fixture.run(command);
        INFO(command.front() << ": " << refused.err);
        REQUIRE(refused.exit_code == 125);
        REQUIRE(contains(refused.err, "pid " + pid));
    }

    REQUIRE_FALSE(runner.has_ended());
    REQUIRE(fixture.row_of("job")["pid"] == runner.pid());
}

TEST_CASE("an owner whose epoch has passed publishes nothing and ends", "[process]") {
    const auto program = guest("endless");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess stale = fixture.start({"run", "--name", "job", *program});
    await_output(stale, "begun");
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    // As on a host that does not see the other's locks.
    const std::string id = fixture.row_of("job")["id"];
    fs::remove(fixture.folder() / "store/run" / (id + ".lock"));
    VmProcess owner = fixture.start({"resume", "job"});
    await("the new owner", [&] { return fixture.row_of("job")["epoch"] != 1; });

    stale.send(SIGTERM);

    REQUIRE(stale.wait().exit_code == 125);
    REQUIRE(contains(stale.wait().err, "lease lost"));
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    REQUIRE(owner.wait().exit_code == 75);
    REQUIRE(fixture.run_json({"log", "job"})["checkpoints"].size() == 2);
}

TEST_CASE("what a run did is in its stats, however it ended", "[process]") {
    const auto program = guest("sleeper");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string first = fixture.folder() / "first.json";
    const std::string second = fixture.folder() / "second.json";
    VmProcess runner = fixture.start({"run", "--name", "job", "--stats", first, *program, "300"});
    await_output(runner, "asleep");
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    REQUIRE(runner.wait().exit_code == 75);

    REQUIRE(fixture.run({"resume", "--prefetch", "off", "--stats", second, "job"}).exit_code == 0);

    const auto suspended = nlohmann::json::parse(read_text(first));
    const auto resumed = nlohmann::json::parse(read_text(second));
    REQUIRE(suspended["schema"] == 1);
    REQUIRE(suspended["checkpoints"] == 2);
    REQUIRE(resumed["checkpoints"] == 0);
    for (const char* number : {"safepoints", "faults", "host_calls"}) {
        REQUIRE(suspended[number] > 0);
        REQUIRE(resumed[number] > 0);
    }
    REQUIRE(resumed["reincarnations"] == 0);
    REQUIRE(resumed["evictions"] == 0);
}

TEST_CASE("a checkpoint prints its name alone and the log lists it", "[process]") {
    const auto program = guest("endless");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program});
    await_output(runner, "begun");

    const VmResult first = fixture.run({"checkpoint", "job", "-m", "the first"});
    const auto second = fixture.run_json({"checkpoint", "job"});

    REQUIRE(first.exit_code == 0);
    const auto log = fixture.run_json({"log", "job"});
    REQUIRE(log["schema"] == 1);
    REQUIRE(log["checkpoints"].size() == 2);
    const auto& row = log["checkpoints"][0];
    REQUIRE(first.out == "job@" + row["id"].dump() + "\n");
    REQUIRE(row["message"] == "the first");
    REQUIRE(row["parent"].is_null());
    REQUIRE(is_utc_time(row["time"]));
    for (const char* number : {"dirty_pages", "written_bytes", "pause_us", "durable_us"})
        REQUIRE(row[number].is_number_unsigned());
    REQUIRE(row["dirty_pages"] > 0);
    REQUIRE(row["durable_us"] > 0);
    REQUIRE(log["checkpoints"][1]["parent"] == row["id"]);
    REQUIRE(second["checkpoint"]["id"] == log["checkpoints"][1]["id"]);
    REQUIRE(fixture.row_of("job")["head"] == log["checkpoints"][1]["id"]);
}

TEST_CASE("ps tells what is pinned of each process", "[process]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const ProcessFixture fixture;
    REQUIRE(fixture.run({"run", "--name", "job", *program}).exit_code == 7);

    const auto object = fixture.run_json({"ps"});

    REQUIRE(object["schema"] == 1);
    const auto row = object["processes"][0];
    REQUIRE(row["id"].get<std::string>().size() == 32);
    REQUIRE(row["name"] == "job");
    REQUIRE(row["state"] == "exited");
    REQUIRE(row["pid"].is_null());
    REQUIRE(row["epoch"].is_number_unsigned());
    REQUIRE(row["head"].is_null());
    REQUIRE(row.size() == 6);
}

TEST_CASE("what every verb has may stand before it or behind it", "[process]") {
    const ProcessFixture fixture;
    REQUIRE(fixture.run({"store", "init"}).exit_code == 0);
    const VmResult behind = fixture.run({"ps", "--json"});

    const VmResult before = fixture.run({"--json", "ps"});
    const VmResult elsewhere = fixture.run({"--store", "nowhere/else", "ps", "--json"});

    REQUIRE(before.exit_code == 0);
    REQUIRE(before.out == behind.out);
    REQUIRE(elsewhere.exit_code != 0);
    REQUIRE(contains(elsewhere.err, "nowhere/else"));
}

TEST_CASE("a name that is taken is refused until it is to be replaced", "[process]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const ProcessFixture fixture;
    REQUIRE(fixture.run({"run", "--name", "job", *program}).exit_code == 7);
    const auto before = fixture.row_of("job")["id"];

    const VmResult refused = fixture.run({"run", "--name", "job", *program});
    const VmResult replaced = fixture.run({"run", "--name", "job", "--replace", *program});

    REQUIRE(refused.exit_code == 125);
    REQUIRE(contains(refused.err, "--replace"));
    REQUIRE(replaced.exit_code == 7);
    REQUIRE(fixture.row_of("job")["id"] != before);
}

TEST_CASE("a process that could not begin is not kept", "[process]") {
    const auto program = guest("unlinkable");
    if (!program) return;
    const ProcessFixture fixture;

    const VmResult refused = fixture.run({"run", "--name", "job", *program});

    REQUIRE(refused.exit_code == 125);
    REQUIRE(contains(refused.err, "nobody"));
    REQUIRE(fixture.row_of("job").is_null());
}

TEST_CASE("an image makes the process go on in another store", "[process]") {
    const auto program = guest("sleeper");
    if (!program) return;
    const ProcessFixture here;
    const ProcessFixture there;
    VmProcess runner = here.start({"run", "--name", "job", *program, "300"});
    await_output(runner, "asleep");
    REQUIRE(here.run({"suspend", "job"}).exit_code == 0);
    const std::string image = here.folder() / "job.image";

    REQUIRE(here.run({"export", "job", "-o", image}).exit_code == 0);
    const VmResult imported = there.run({"import", image, "--name", "moved"});

    REQUIRE(imported.out == "moved\n");
    REQUIRE(there.row_of("moved")["state"] == "suspended");
    REQUIRE(there.row_of("moved")["id"] != here.row_of("job")["id"]);
    REQUIRE(there.run({"resume", "moved"}).out == "awake\n");
}

TEST_CASE("an export that fails leaves no file behind", "[process]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const ProcessFixture fixture;
    REQUIRE(fixture.run({"run", "--name", "job", *program}).exit_code == 7);

    const VmResult refused = fixture.run({"export", "job", "-o", fixture.work() / "job.image"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE(fs::is_empty(fixture.work()));
}

TEST_CASE("an older checkpoint opens a branch and the newer one stays", "[process]") {
    const auto program = guest("sleeper");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program, "400"});
    await_output(runner, "asleep");
    const auto first = fixture.run_json({"checkpoint", "job"})["checkpoint"]["id"];
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);

    const VmResult branched = fixture.run({"resume", "job@" + first.dump()});

    REQUIRE(branched.out == "awake\n");
    REQUIRE(fixture.run_json({"log", "job"})["checkpoints"].size() == 2);
    REQUIRE(fixture.run({"resume", "job@999"}).exit_code == 125);
}

TEST_CASE("the log draws what grew from an older checkpoint as a branch", "[process]") {
    const auto program = guest("sleeper");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program, "60000"});
    await_output(runner, "asleep");
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    VmProcess branch = fixture.start({"resume", "job@1"});
    await("the branch", [&] { return fixture.row_of("job")["state"] == "running"; });
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);

    const std::string log = fixture.run({"log", "job"}).out;

    std::vector<std::string> lines;
    std::istringstream text(log);
    for (std::string line; std::getline(text, line);)
        lines.push_back(line.substr(0, line.find("20")));
    REQUIRE(lines.size() == 5);
    REQUIRE(lines[1] == "*     3  ");
    REQUIRE(lines[2] == "| *   2  ");
    REQUIRE(contains(lines[3], "|/"));
    REQUIRE(lines[4] == "*     1  ");
    REQUIRE(contains(log, "(head)"));
}

TEST_CASE("rm removes one checkpoint, or all there is of a process", "[process]") {
    const auto program = guest("sleeper");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program, "60000"});
    await_output(runner, "asleep");
    const VmResult first = fixture.run({"checkpoint", "job"});
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);

    REQUIRE(fixture.run({"rm", first.out.substr(0, first.out.size() - 1)}).exit_code == 0);
    REQUIRE(fixture.run_json({"log", "job"})["checkpoints"].size() == 1);

    REQUIRE(fixture.run({"rm", "job"}).exit_code == 0);
    REQUIRE(fixture.row_of("job").is_null());
    REQUIRE(fs::is_empty(fixture.folder() / "store/run"));
}

TEST_CASE("a suspend of what does not run says what it is and what to do", "[process]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const ProcessFixture fixture;
    REQUIRE(fixture.run({"run", "--name", "job", *program}).exit_code == 7);

    const VmResult ended = fixture.run({"suspend", "job"});
    const VmResult unknown = fixture.run({"suspend", "jab"});

    REQUIRE(ended.exit_code == 125);
    REQUIRE(contains(ended.err, "exited"));
    REQUIRE(unknown.exit_code == 125);
    REQUIRE(contains(unknown.err, "did you mean job"));
}

TEST_CASE("a process in a store with a very long path answers", "[process]") {
    const auto program = guest("endless");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string store = fixture.folder() / std::string(100, 'a') / std::string(100, 'b');
    fs::create_directories(store);
    VmProcess runner = fixture.start({"run", "--store", store, "--name", "job", *program});
    await_output(runner, "begun");

    REQUIRE(fixture.run({"suspend", "--store", store, "job"}).exit_code == 0);
    REQUIRE(runner.wait().exit_code == 75);
}

TEST_CASE("what follows the program is the guest's", "[tools]") {
    const auto program = guest("arguments");
    if (!program) return;
    const ProcessFixture fixture;

    const VmResult result =
        fixture.run({"run", *program, "--name", "x", "--", "-h", "[1,2]", "", "ps"});

    REQUIRE(result.exit_code == 0);
    REQUIRE(result.out == "<" + *program + "><--name><x><--><-h><[1,2]><><ps>\n");
}

TEST_CASE("errors of usage are ours and name what was not understood", "[tools]") {
    const ProcessFixture fixture;
    const std::pair<std::vector<std::string>, std::string> commands[] = {
        {{}, "vm help"},
        {{"dance"}, "dance"},
        {{"run"}, "prog.wasm"},
        {{"run", "--dance", "prog.wasm"}, "--dance"},
        {{"run", "--dir", ".,colour=red", "prog.wasm"}, "colour"},
        {{"run", "--dir", "/nowhere/at/all", "prog.wasm"}, "/nowhere/at/all"},
        {{"run", "--env", "novalue", "prog.wasm"}, "novalue"},
        {{"run", "--max-stack", "8Q", "prog.wasm"}, "8Q"},
        {{"run", "--heap-mechanism=magic", "prog.wasm"}, "magic"},
        {{"run", "--trace=nothing", "prog.wasm"}, "nothing"},
        {{"run", "nowhere.wasm"}, "nowhere.wasm"},
        {{"run", "--name", "a b", "nowhere.wasm"}, "a b"},
        {{"resume"}, "vm help resume"},
        {{"log", "job"}, "store"},
    };
    for (const auto& [command, part] : commands) {
        const VmResult result = fixture.run(command);
        INFO(result.err);
        CHECK(result.exit_code == 125);
        CHECK(result.err.starts_with("vm: error: "));
        CHECK(contains(result.err, part));
        CHECK(result.out.empty());
    }
}

TEST_CASE("help and version go to stdout", "[tools]") {
    const ProcessFixture fixture;

    REQUIRE(contains(fixture.run({"--help"}).out, "Examples:"));
    REQUIRE(contains(fixture.run({"help", "run"}).out, "--reincarnate-every"));
    REQUIRE(contains(fixture.run({"run", "--help"}).out, "--reincarnate-every"));
    REQUIRE(fixture.run({"--version"}).out.starts_with("vm "));
    REQUIRE(fixture.run({"--help"}).exit_code == 0);
}
