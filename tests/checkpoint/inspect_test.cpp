#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/checkpoint/detached_fixture.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Json = nlohmann::json;

namespace {

/// A process called `job` of a guest that has debug information and waits for a key, suspended
/// there.
bool suspend_in_read(const DetachedFixture& fixture) {
    const auto program = guest("trap_debug");
    if (!program) return false;
    const VmResult started =
        fixture.run({"run", "-d", "--name", "job", "--dir", fixture.work(), *program, "wait"});
    REQUIRE(started.exit_code == 0);
    await("the guest's first words", [&] {
        return fixture.run({"logs", "job"}).out.find("before") != std::string::npos;
    });
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    return true;
}

std::vector<std::string> functions_of(const Json& thread) {
    std::vector<std::string> names;
    for (const auto& frame : thread["frames"])
        names.push_back(frame["function"]);
    return names;
}

}  // namespace

TEST_CASE("vm inspect tells where a suspended process stands", "[checkpoint]") {
    const DetachedFixture fixture;
    if (!suspend_in_read(fixture)) return;

    const Json object = fixture.run_json({"inspect", "job"});
    const VmResult shown = fixture.run({"inspect", "job@1"});

    const Json& thread = object["threads"][0];
    const auto names = functions_of(thread);
    REQUIRE(object["process"]["name"] == "job");
    REQUIRE(object["checkpoint"]["id"] == 1);
    REQUIRE(thread["frame_count"] == names.size());
    REQUIRE_THAT(names.back(), StartsWith("_start"));
    const auto main = std::find(names.begin(), names.end(), "main") == names.end()
                          ? std::find(names.begin(), names.end(), "__main_argc_argv")
                          : std::find(names.begin(), names.end(), "main");
    REQUIRE(main != names.end());
    const Json& frame = thread["frames"][static_cast<std::size_t>(main - names.begin())];
    REQUIRE_THAT(frame["source"]["file"].get<std::string>(), Contains("trap_debug.c"));
    REQUIRE(frame["locals"].size() >= 2);  // argc and argv
    REQUIRE(frame["locals"][0]["type"] == "i32");
    REQUIRE_THAT(thread["next"].get<std::string>(), Contains("call"));
    REQUIRE(object["instances"][0]["memories"][0]["bytes"].get<std::uint64_t>() % 65536 == 0);
    REQUIRE_FALSE(object["instances"][0]["globals"].empty());
    REQUIRE_FALSE(object["leases"].empty());
    REQUIRE(shown.exit_code == 0);
    REQUIRE_THAT(shown.out, Contains("job@1 of ") && Contains("trap_debug.c:") &&
                                Contains("locals: 0 i32 = ") && Contains("instance 0: module"));
}

TEST_CASE("vm inspect shows values of every type", "[checkpoint]") {
    const auto program = guest("values");
    if (!program) return;
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", *program}).exit_code == 0);
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);

    const Json object = fixture.run_json({"inspect", "job"});
    const VmResult shown = fixture.run({"inspect", "job"});
    const VmResult bytes = fixture.run({"inspect", "job", "--memory", "0x400", "10"});

    const Json& thread = object["threads"][0];
    const Json& locals = thread["frames"][0]["locals"];
    REQUIRE(thread["frame_count"] == 2);
    REQUIRE(thread["next"] == "loop");
    REQUIRE(locals.size() == 6);
    REQUIRE(locals[0] == Json{{"type", "i32"}, {"value", -3}});
    REQUIRE(locals[1] == Json{{"type", "f64"}, {"value", 0.25}});
    REQUIRE(locals[2] == Json{{"type", "i64"}, {"value", -5000000000}});
    REQUIRE(locals[3] == Json{{"type", "f32"}, {"value", "nan"}});
    REQUIRE(locals[4] == Json{{"type", "v128"}, {"value", "0x00000000000000020000000000000001"}});
    REQUIRE(locals[5] == Json{{"type", "funcref"}, {"value", nullptr}});
    REQUIRE(thread["frames"][1]["operands"] == Json{17});
    const Json& instance = object["instances"][0];
    REQUIRE(instance["memories"][0]["bytes"] == 65536);
    REQUIRE(instance["tables"][0] == Json{{"elements", 3}, {"type", "funcref"}});
    REQUIRE(instance["globals"][0]["name"] == "counter");
    REQUIRE(instance["globals"][0]["value"] == -7);
    REQUIRE(instance["globals"][0]["mutable"] == true);
    REQUIRE(instance["globals"][1]["value"] == 1025);
    REQUIRE_THAT(shown.out, Contains("0 i32 = -3, 1 f64 = 0.25, 2 i64 = -5000000000") &&
                                Contains("operands: 0x11") && Contains("global 0 \"counter\""));
    REQUIRE_THAT(bytes.out, Contains("|here it is|"));
}

TEST_CASE("vm inspect --memory shows bytes as they were at the checkpoint", "[checkpoint]") {
    const DetachedFixture fixture;
    if (!suspend_in_read(fixture)) return;

    const std::uint64_t size =
        fixture.run_json({"inspect", "job"})["instances"][0]["memories"][0]["bytes"];
    const Json object = fixture.run_json({"inspect", "job", "--memory", "0", std::to_string(size)});
    const std::string bytes = object["memory"]["bytes"];
    const VmResult beyond = fixture.run({"inspect", "job", "--memory", "0xffffffff", "16"});
    // The guest's arguments lie in its memory: the word "wait", as it was typed.
    const std::size_t word = bytes.find("7761697400");

    REQUIRE(bytes.size() == 2 * size);
    REQUIRE(beyond.exit_code == 125);
    REQUIRE_THAT(beyond.err, Contains("the memory ends at 0x"));
    REQUIRE(word != std::string::npos);
    const VmResult dump =
        fixture.run({"inspect", "job", "--memory", std::to_string(word / 2), "5"});
    REQUIRE_THAT(dump.out, Contains(" 77 61 69 74 00") && Contains("|wait.|"));
}

TEST_CASE("vm inspect looks at a running process through its newest checkpoint", "[checkpoint]") {
    const auto program = guest("endless");
    if (!program) return;
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", *program}).exit_code == 0);

    const VmResult without = fixture.run({"inspect", "job"});
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    const Json object = fixture.run_json({"inspect", "job"});

    REQUIRE(fixture.row_of("job")["state"] == "running");
    REQUIRE(without.exit_code == 125);
    REQUIRE_THAT(without.err, Contains("vm checkpoint job"));
    REQUIRE(object["checkpoint"]["id"] == 1);
    REQUIRE_THAT(functions_of(object["threads"][0]).back(), StartsWith("_start"));
    REQUIRE(fixture.run({"inspect", "job@7"}).exit_code == 125);
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
}

TEST_CASE("vm diff tells what a process did between two checkpoints", "[checkpoint]") {
    const auto program = guest("holder");
    if (!program) return;
    const DetachedFixture fixture;
    const InputPipe input;
    VmOptions options = fixture.options();
    options.standard_input = input.reader();
    VmProcess process({"run", "--name", "job", "--dir", fixture.work(), *program, "64"}, options);
    await_output(process, "filled");
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    input.write("\n");
    await_output(process, "changed");
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    REQUIRE(process.wait().exit_code == 75);

    const Json apart = fixture.run_json({"diff", "job@1", "job@2"});
    const Json alike = fixture.run_json({"diff", "job@2", "job"});
    const VmResult shown = fixture.run({"diff", "job@1", "job@2"});

    // Of 64 pages every third was filled anew, half of those with what they held; none of them lies
    // on one page of memory alone.
    REQUIRE(apart["left"]["checkpoint"]["id"] == 1);
    REQUIRE(apart["right"]["checkpoint"]["id"] == 2);
    const auto memory = std::find_if(apart["regions"].begin(), apart["regions"].end(),
                                     [](const Json& region) { return region["kind"] == "memory"; });
    REQUIRE(memory != apart["regions"].end());
    REQUIRE((*memory)["pages"] >= 11);
    REQUIRE((*memory)["pages"] < 40);
    REQUIRE(apart["bytes"] > 11 * 1024);
    const Json& frames = apart["threads"][0]["frames"];
    const auto moved = std::find_if(frames.begin(), frames.end(), [](const Json& frame) {
        return !frame["left"].is_null() && !frame["right"].is_null() &&
               frame["left"]["code_offset"] != frame["right"]["code_offset"];
    });
    REQUIRE(moved != frames.end());
    REQUIRE(apart["threads"][0]["same"] >= 1);
    REQUIRE(alike["pages"] == 0);
    REQUIRE(alike["units"] == 0);
    REQUIRE(alike["threads"][0]["frames"].empty());
    REQUIRE_THAT(shown.out, Contains("job@1 → job@2: ") && Contains("memory") &&
                                Contains(" → 0x") && Contains("the same is open"));
}

TEST_CASE("vm diff compares processes of different families by what they hold", "[checkpoint]") {
    const DetachedFixture fixture;
    if (!suspend_in_read(fixture)) return;
    const std::string image = fixture.folder() / "job.image";
    REQUIRE(fixture.run({"export", "job", "-o", image}).exit_code == 0);
    REQUIRE(fixture.run({"import", "--name", "twin", image}).exit_code == 0);

    const Json object = fixture.run_json({"diff", "job", "twin"});

    REQUIRE(object["right"]["process"]["name"] == "twin");
    REQUIRE(object["pages"] == 0);
    REQUIRE(object["threads"][0]["frames"].empty());
    REQUIRE(object["leases"]["left"].empty());
    REQUIRE(object["leases"]["right"].empty());
}
