#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

nlohmann::json checkpoints_of(const ProcessFixture& fixture, const std::string& name) {
    return fixture.run_json({"log", name})["checkpoints"];
}

struct Pipe {
    int reader = -1;
    int writer = -1;

    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        reader = ends[0];
        writer = ends[1];
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        ::close(reader);
        ::close(writer);
    }
};

VmOptions with_input(const ProcessFixture& fixture, const Pipe& pipe) {
    VmOptions options = fixture.options();
    options.standard_input = pipe.reader;
    return options;
}

}  // namespace

TEST_CASE("checkpoints come by themselves and those that no rule keeps go", "[checkpoint]") {
    const auto program = guest("busy");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start(
        {"run", "--name", "job", "--checkpoint-every", "10ms", "--keep", "last=2", *program});
    await_output(runner, "begun");
    await("a checkpoint", [&] { return !fixture.row_of("job")["head"].is_null(); });
    REQUIRE(fixture.run({"checkpoint", "job", "-m", "by hand"}).exit_code == 0);
    const std::uint64_t by_hand = fixture.row_of("job")["head"];

    await("later ones", [&] { return fixture.row_of("job")["head"] > by_hand + 4; });
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);

    const auto log = checkpoints_of(fixture, "job");
    const auto is_by_hand = [](const auto& row) { return row["message"] == "by hand"; };
    REQUIRE(std::count_if(log.begin(), log.end(), is_by_hand) == 1);
    // Two are kept, and the suspend adds one without removing any.
    REQUIRE(log.size() <= 4);
    REQUIRE(runner.wait().err.find("warning") == std::string::npos);
}

TEST_CASE("a guest that does nothing is not stored again and again", "[checkpoint]") {
    const auto program = guest("sleeper");
    if (!program) return;
    const ProcessFixture fixture;

    REQUIRE(fixture.run({"run", "--name", "job", "--checkpoint-every", "5ms", *program, "500"})
                .exit_code == 0);

    REQUIRE(checkpoints_of(fixture, "job").size() < 10);
}

TEST_CASE("a guest that changes much is stored as often as the amount says", "[checkpoint]") {
    const auto program = guest("dirtier");
    if (!program) return;
    const ProcessFixture fixture;
    const VmResult expected = fixture.run({"run", *program, "192"});

    // 192 MiB in all, over 16 MiB of memory: less than that is ever dirty at once.
    const VmResult run =
        fixture.run({"run", "--name", "job", "--checkpoint-every", "8MiB", *program, "192"});
    const VmResult rarely =
        fixture.run({"run", "--name", "rare", "--checkpoint-every", "1h,64MiB", *program, "192"});

    CHECK(run.out == expected.out);
    CHECK(run.err.empty());
    const auto log = checkpoints_of(fixture, "job");
    CHECK_FALSE(log.empty());
    CHECK(log.size() <= 192 / 8);
    for (const auto& row : log) {
        CHECK(row["dirty_pages"] >= 8 * 256 / 2);
        const VmResult resumed = fixture.run({"resume", "job@" + row["id"].dump()});
        CHECK(resumed.out == expected.out);
    }
    CHECK(rarely.exit_code == 0);
    CHECK(checkpoints_of(fixture, "rare").empty());
}

TEST_CASE("a process resumed from what was taken by itself goes on", "[checkpoint]") {
    const auto program = guest("memory");
    if (!program) return;
    const ProcessFixture fixture;
    const VmResult expected = fixture.run({"run", *program});

    const VmResult first =
        fixture.run({"run", "--name", "job", "--checkpoint-every", "1ms", *program});
    const auto log = checkpoints_of(fixture, "job");

    REQUIRE(first.out == expected.out);
    for (const auto& row : log) {
        const VmResult resumed = fixture.run({"resume", "job@" + row["id"].dump()});
        REQUIRE(resumed.exit_code == expected.exit_code);
        REQUIRE(last_line(resumed.out) == last_line(expected.out));
    }
}

TEST_CASE("a checkpoint that is only captured is answered without a number", "[checkpoint]") {
    const auto program = guest("busy");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program});
    await_output(runner, "begun");

    const VmResult paused = fixture.run({"checkpoint", "job", "--wait=paused"});
    const VmResult published = fixture.run({"checkpoint", "job", "--wait=published"});
    const VmResult refused = fixture.run({"checkpoint", "job", "--wait=forever"});

    REQUIRE(paused.exit_code == 0);
    REQUIRE(paused.out.empty());
    REQUIRE(published.out == "job@2\n");
    REQUIRE(refused.exit_code == 125);
    REQUIRE(contains(refused.err, "forever"));
}

TEST_CASE("a guest's own checkpoint tells the run that took it from one restored", "[checkpoint]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const ProcessFixture fixture;

    const VmResult run = fixture.run({"run", "--name", "job", *program});
    const VmResult first = fixture.run({"resume", "job@1"});
    const VmResult second = fixture.run({"resume", "job@2"});

    REQUIRE(run.out == "round 0: 0\nround 1: 0\ngeneration 0\n");
    REQUIRE(first.out == "round 0: 1\nround 1: 0\ngeneration 0\n");
    REQUIRE(second.out == "round 1: 1\ngeneration 0\n");
}

TEST_CASE("reincarnations are invisible to a guest that takes checkpoints", "[checkpoint]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const ProcessFixture fixture;

    const VmResult named =
        fixture.run({"run", "--name", "job", "--reincarnate-every", "1", *program});
    const VmResult unnamed = fixture.run({"run", "--reincarnate-every", "1", *program});

    REQUIRE(named.out == "round 0: 0\nround 1: 0\ngeneration 0\n");
    REQUIRE(unnamed.out == "round 0: -58\nround 1: -58\ngeneration 0\n");
    REQUIRE(fixture.run({"run", *program}).out == unnamed.out);
}

TEST_CASE("a copy of a process has a generation of its own", "[checkpoint]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string image = fixture.folder() / "job.image";
    REQUIRE(fixture.run({"run", "--name", "job", *program}).exit_code == 0);
    REQUIRE(fixture.run({"export", "job@2", "-o", image}).exit_code == 0);
    REQUIRE(fixture.run({"import", image, "--name", "copy"}).exit_code == 0);

    REQUIRE(fixture.run({"resume", "copy"}).out == "round 1: 1\ngeneration 1\n");
}

TEST_CASE("a process that waits for input is suspended at once and waits on", "[checkpoint]") {
    const auto program = guest("reader");
    if (!program) return;
    const ProcessFixture fixture;
    for (const std::string how : {"read", "poll"}) {
        const Pipe before;
        const Pipe after;
        const auto arguments = how == "poll" ? std::vector<std::string>{*program, how}
                                             : std::vector<std::string>{*program};
        std::vector<std::string> command = {"run", "--name", how};
        command.insert(command.end(), arguments.begin(), arguments.end());
        VmProcess runner(command, with_input(fixture, before));
        await_output(runner, "waiting");

        REQUIRE(fixture.run({"suspend", how}).exit_code == 0);
        REQUIRE(runner.wait().exit_code == 75);
        VmProcess resumed({"resume", how}, with_input(fixture, after));
        REQUIRE(::write(after.writer, "a line\n", 7) == 7);

        REQUIRE(resumed.wait().out == "got a line\n");
        REQUIRE(resumed.wait().exit_code == 0);
    }
}

TEST_CASE("time suspended counts on the realtime clock alone", "[checkpoint]") {
    const auto program = guest("clocks");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program, "300"});
    await_output(runner, "asleep");
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    constexpr long long kSuspendedMs = 700;
    ::usleep(kSuspendedMs * 1000);

    const VmResult resumed = fixture.run({"resume", "job"});

    long long monotonic = 0;
    long long realtime = 0;
    REQUIRE(std::sscanf(resumed.out.c_str(), "%lld %lld", &monotonic, &realtime) == 2);
    REQUIRE(monotonic >= 300);
    REQUIRE(realtime - monotonic >= kSuspendedMs);
}

TEST_CASE("a guest in the smallest cache ends as in an unlimited one", "[checkpoint]") {
    const auto program = guest("memory");
    if (!program) return;
    const ProcessFixture fixture;

    const VmResult small = fixture.run({"run", "--cache", "512K", *program});
    const VmResult unlimited = fixture.run({"run", "--cache", "unlimited", *program});

    REQUIRE(small.out == unlimited.out);
    REQUIRE(small.exit_code == unlimited.exit_code);
}

TEST_CASE("what checkpoint options can't be is refused by name", "[tools]") {
    const ProcessFixture fixture;
    const std::pair<std::vector<std::string>, std::string> commands[] = {
        {{"run", "--checkpoint-every", "1s", "x.wasm"}, "--name"},
        {{"run", "--keep", "last=1", "x.wasm"}, "--name"},
        {{"run", "--name", "job", "--checkpoint-every", "soon", "x.wasm"}, "soon"},
        {{"run", "--name", "job", "--checkpoint-every", "1s,2s", "x.wasm"}, "one time"},
        {{"run", "--name", "job", "--checkpoint-every", "1MB,1s,2MB", "x.wasm"}, "one amount"},
        {{"run", "--name", "job", "--keep", "often=3", "x.wasm"}, "often=3"},
        {{"run", "--name", "job", "--keep", "last=0", "x.wasm"}, "last=0"},
        {{"run", "--name", "job", "--keep", "last=1,last=2", "x.wasm"}, "last=2"},
        {{"run", "--cache", "4K", "x.wasm"}, "512K"},
        {{"run", "--cache", "much", "x.wasm"}, "much"},
    };
    for (const auto& [command, part] : commands) {
        const VmResult result = fixture.run(command);
        INFO(result.err);
        CHECK(result.exit_code == 125);
        CHECK(contains(result.err, part));
    }
}
