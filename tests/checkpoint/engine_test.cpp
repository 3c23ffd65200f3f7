#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;

namespace {

/// False, having said so, when this build compiles nothing.
bool has_compiler(const VmResult& compiled) {
    if (compiled.exit_code != 125) return true;
    std::cout << "test skipped: " << compiled.err << '\n';
    return false;
}

}  // namespace

TEST_CASE("a sample says the same compiled, and reborn in both tiers", "[engine]") {
    const ProcessFixture fixture;
    const std::vector<std::string> program{"samples/hello.wasm"};
    const VmResult interpreted = fixture.run({"run", "--engine=interp", program[0]});
    const VmResult compiled = fixture.run({"run", "--engine=jit", program[0]});
    if (!has_compiler(compiled)) return;

    const VmResult reborn =
        fixture.run({"run", "--engine=jit", "--reincarnate-every=50", "--cache=1M", program[0]});

    REQUIRE(interpreted.exit_code == 0);
    REQUIRE(compiled.out == interpreted.out);
    REQUIRE(reborn.out == interpreted.out);
}

TEST_CASE("what one tier suspended the other resumes", "[engine]") {
    const ProcessFixture fixture;
    const VmResult whole = fixture.run({"run", "--engine=interp", "samples/hello.wasm"});
    const VmResult compiled = fixture.run(
        {"run", "--engine=jit", "--name=job", "--suspend-after=20", "samples/hello.wasm"});
    if (!has_compiler(compiled)) return;

    const VmResult between =
        fixture.run({"resume", "--engine=interp", "--suspend-after=20", "job"});
    const VmResult last = fixture.run({"resume", "--engine=jit", "job"});

    REQUIRE(compiled.exit_code == 75);
    REQUIRE(between.exit_code == 75);
    REQUIRE(last.exit_code == 0);
    REQUIRE(compiled.out + between.out + last.out == whole.out);
}

TEST_CASE("a process is suspended whatever is being compiled meanwhile", "[engine]") {
    const auto program = guest("busy");
    if (!program) return;
    const ProcessFixture fixture;
    const std::vector<std::string> begin{"run", "--name=job", "--engine=auto", "--jit-threads=2",
                                         *program};
    const std::vector<std::string> again{"resume", "--engine=auto", "job"};

    for (int life = 0; life < 6; ++life) {
        VmProcess runner = fixture.start(life == 0 ? begin : again);
        if (life == 0) await_output(runner, "begun");
        // From before the first loop is hot until long after it is compiled.
        std::this_thread::sleep_for(std::chrono::milliseconds(10 * life * life));
        await("it is suspended", [&] { return fixture.run({"suspend", "job"}).exit_code == 0; });
        REQUIRE(runner.wait().exit_code == 75);
    }
}

TEST_CASE("what is hot is compiled unless that is not asked for", "[engine]") {
    const auto program = guest("busy");
    const ProcessFixture fixture;
    if (!program || !has_compiler(fixture.run({"run", "--engine=jit", "samples/hello.wasm"})))
        return;
    VmOptions killed = fixture.options();
    killed.environment.emplace_back("SOJOURN_FAULT=vm_compile_begun:kill");

    REQUIRE(vm({"run", "--timeout=60s", *program}, killed).exit_code == 128 + SIGKILL);
    REQUIRE(vm({"run", "samples/hello.wasm"}, killed).exit_code == 0);
    REQUIRE(vm({"run", "--engine=interp", "--timeout=1s", *program}, killed).exit_code == 124);
}

TEST_CASE("inspect tells how the code of a process that runs is run", "[engine]") {
    const auto program = guest("busy");
    const ProcessFixture fixture;
    if (!program || !has_compiler(fixture.run({"run", "--engine=jit", "samples/hello.wasm"})))
        return;
    const auto hot = [&] { return fixture.run_json({"inspect", "job"})["code"]["hot"]; };
    VmProcess runner = fixture.start({"run", "--name=job", *program});
    await_output(runner, "begun");
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);

    await("something is compiled",
          [&] { return hot().dump().find("compiled") != std::string::npos; });
    const auto row = hot()[0];
    const VmResult shown = fixture.run({"inspect", "job"});

    REQUIRE(row["name"].is_string());
    REQUIRE(row["tier"] == "compiled");
    REQUIRE(shown.out.find("code: --engine=auto, ") != std::string::npos);
    REQUIRE(shown.out.find(row["name"].get<std::string>() + " (function ") != std::string::npos);
    REQUIRE(fixture.run_json({"inspect", "job@1"})["code"].is_null());
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    REQUIRE(fixture.run_json({"inspect", "job"})["code"].is_null());
}

TEST_CASE("the statistics tell what was compiled, and how often the tiers changed", "[engine]") {
    const ProcessFixture fixture;
    const std::string file = fixture.folder() / "stats";
    const auto stats_of = [&](const std::string& engine) {
        REQUIRE(fixture.run({"run", engine, "--stats", file, "samples/hello.wasm"}).exit_code == 0);
        return nlohmann::json::parse(read_text(file));
    };
    if (!has_compiler(fixture.run({"run", "--engine=jit", "samples/hello.wasm"}))) return;

    const auto interpreted = stats_of("--engine=interp");
    const auto compiled = stats_of("--engine=jit");

    REQUIRE(interpreted["tier_switches"] == 0);
    REQUIRE(interpreted["functions"].empty());
    REQUIRE(compiled["tier_switches"] > 0);
    REQUIRE(compiled["functions"]["compiled"] > 0);
    REQUIRE(compiled["compile_us"] > 0);
}

TEST_CASE("what is compiled of each function is written where --jit-dump says", "[engine]") {
    const ProcessFixture fixture;
    if (!has_compiler(fixture.run({"run", "--engine=jit", "samples/hello.wasm"}))) return;
    const std::string folder = fixture.work() / "code";
    const auto dump = [&](const std::string& kind) {
        return fixture
            .run({"run", "--engine=jit", "--jit-dump=" + kind + ":" + folder, "samples/hello.wasm"})
            .exit_code;
    };

    REQUIRE(dump("ir") == 0);
    REQUIRE(dump("asm") == 0);
    REQUIRE(dump("wat") == 125);

    std::map<std::string, int> files;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        const std::string text = read_text(file.path());
        const bool is_assembly = file.path().extension() == ".s";
        CAPTURE(file.path());
        REQUIRE(text.starts_with(is_assembly ? "# " : "; "));
        REQUIRE(text.find(is_assembly ? "entry:" : "define ") != std::string::npos);
        const std::string name = file.path().filename();
        ++files[name.substr(name.find('.'))];
    }
    REQUIRE(files.size() == 3);
    REQUIRE(files[".s"] > 0);
    REQUIRE(files[".ll"] == files[".s"]);
    REQUIRE(files[".emitted.ll"] == files[".s"]);
}

TEST_CASE("perf is told whose code lies where", "[engine]") {
    const ProcessFixture fixture;
    if (!has_compiler(fixture.run({"run", "--engine=jit", "samples/hello.wasm"}))) return;
    VmProcess runner = fixture.start({"run", "--engine=jit", "--jit-names", "samples/hello.wasm"});
    const std::string map = "/tmp/perf-" + std::to_string(runner.pid()) + ".map";

    REQUIRE(runner.wait().exit_code == 0);

    const std::string names = read_text(map);
    std::filesystem::remove(map);
    REQUIRE(names.find(" dlmalloc\n") != std::string::npos);
    REQUIRE(names.find(" dlmalloc entry\n") != std::string::npos);
}

TEST_CASE("the end of a run waits for no compilation", "[engine]") {
    const auto program = guest("busy");
    if (!program) return;
    const ProcessFixture fixture;
    VmOptions stalled = fixture.options();
    stalled.environment.emplace_back("SOJOURN_FAULT=vm_compile_begun:stall");

    const VmResult suspended =
        vm({"run", "--engine=auto", "--name=job", "--suspend-after=1000000", *program}, stalled);
    const VmResult stopped = vm({"run", "--engine=auto", "--timeout=1s", *program}, stalled);

    REQUIRE(suspended.exit_code == 75);
    REQUIRE(fixture.row_of("job")["state"] == "suspended");
    REQUIRE(stopped.exit_code == 124);
}

TEST_CASE("an engine that there is not is refused", "[engine]") {
    const VmResult refused = ProcessFixture().run({"run", "--engine=magic", "samples/hello.wasm"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE(refused.err.find("magic") != std::string::npos);
}
