#include <cstdlib>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/checkpoint/detached_fixture.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A `vm attach` that is told things.
class Attached {
public:
    explicit Attached(const ProcessFixture& fixture)
        : process_({"attach", "job"}, [&] {
              VmOptions options = fixture.options();
              options.standard_input = input_.reader();
              return options;
          }()) {}

    void type(const std::string& text) { input_.write(text); }
    void end_input() { input_.end(); }
    VmProcess& process() { return process_; }

private:
    InputPipe input_;
    VmProcess process_;
};

}  // namespace

TEST_CASE("a detached run answers when its guest runs, and its log has what that says",
          "[process][detached]") {
    const DetachedFixture fixture;

    const VmResult begun = fixture.run({"run", "-d", "--name", "job", "samples/lines.wasm"});
    const auto named = fixture.run_json({"run", "-d", "--name", "other", "samples/lines.wasm"});

    REQUIRE(begun.exit_code == 0);
    CHECK(begun.out == "job\n");
    const auto row = fixture.row_of("other");
    CHECK(row["state"] == "running");
    CHECK(named["pid"] == row["pid"]);
    CHECK(named["process"]["id"] == row["id"]);
    CHECK(named["process"]["name"] == "other");
}

TEST_CASE("a detached run that can't begin says why and leaves nothing", "[process][detached]") {
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"store", "init"}).exit_code == 0);

    const VmResult missing = fixture.run({"run", "-d", "--name", "job", "nothing.wasm"});
    const VmResult unnamed = fixture.run({"run", "-d", "samples/lines.wasm"});
    const VmResult unknown = fixture.run({"resume", "-d", "job"});

    CHECK(missing.exit_code == 125);
    CHECK(contains(missing.err, "vm: error: not found: "));
    CHECK(contains(missing.err, "nothing.wasm"));
    CHECK(unnamed.exit_code == 125);
    CHECK(contains(unnamed.err, "--name"));
    CHECK(unknown.exit_code == 125);
    CHECK(contains(unknown.err, "no process 'job'"));
    CHECK(fixture.row_of("job").is_null());
}

TEST_CASE("who waits for a detached process gets the exit code of its guest",
          "[process][detached]") {
    const auto program = guest("arithmetic");
    const auto trapping = guest("trap");
    if (!program || !trapping) return;
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", *program}).exit_code == 0);
    REQUIRE(fixture.run({"run", "-d", "--name", "trap", *trapping}).exit_code == 0);

    CHECK(fixture.run({"wait", "job"}).exit_code == 7);
    CHECK(fixture.run({"wait", "trap"}).exit_code == 134);

    CHECK(contains(fixture.run({"logs", "trap"}).err, "vm: trap: "));
}

TEST_CASE("the log of a detached process is whole over a suspend, and is followed to its end",
          "[process][detached]") {
    const DetachedFixture fixture;
    const std::vector<std::string> program{"samples/ledger.wasm", "--entries", "40000"};
    const std::string expected = fixture
                                     .run({"run", "--dir", fixture.work().string() + "::/",
                                           program[0], program[1], program[2]})
                                     .out;
    REQUIRE(contains(expected, "digest"));
    std::filesystem::remove(fixture.work() / "ledger.log");
    REQUIRE(fixture
                .run({"run", "-d", "--name", "job", "--dir", fixture.work().string() + "::/",
                      program[0], program[1], program[2]})
                .exit_code == 0);
    fixture.await_said("job", "progress 5 %");
    VmProcess waiter = fixture.start({"wait", "job"});

    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);

    CHECK(waiter.wait().exit_code == 75);
    CHECK(contains(fixture.run({"logs", "job"}).err, "vm resume job"));
    REQUIRE(fixture.run({"resume", "-d", "job"}).exit_code == 0);
    CHECK(fixture.run({"logs", "-f", "job"}).out == expected);
    CHECK(fixture.run({"wait", "job"}).exit_code == 0);
    CHECK(fixture.log_of("job") == expected);
    const auto last_two = expected.rfind('\n', expected.rfind('\n', expected.size() - 2) - 1) + 1;
    CHECK(fixture.run({"logs", "--tail", "2", "job"}).out == expected.substr(last_two));
}

TEST_CASE("a detached process that is killed has no line twice in its log and none missing",
          "[process][detached]") {
    const DetachedFixture fixture;
    const std::string grant = fixture.work().string() + "::/";
    const std::string expected =
        fixture.run({"run", "--dir", grant, "samples/ledger.wasm", "--entries", "60000"}).out;
    std::filesystem::remove(fixture.work() / "ledger.log");
    REQUIRE(fixture
                .run({"run", "-d", "--name", "job", "--checkpoint-every", "20ms", "--dir", grant,
                      "samples/ledger.wasm", "--entries", "60000"})
                .exit_code == 0);
    for (const char* moment : {"progress 10 %", "progress 30 %", "progress 60 %"}) {
        fixture.await_said("job", moment);
        await("a checkpoint", [&] { return fixture.row_of("job")["head"].is_number(); });

        fixture.kill_and_wait("job");

        if (fixture.row_of("job")["state"] == "exited") break;  // it was faster
        const VmResult resumed = fixture.run({"resume", "-d", "--checkpoint-every", "20ms", "job"});
        CAPTURE(resumed.err);
        REQUIRE(resumed.exit_code == 0);
    }

    CHECK(fixture.run({"wait", "job"}).exit_code == 0);
    CHECK(fixture.log_of("job") == expected);
}

TEST_CASE("what a killed process said since its checkpoint is taken back, and said again",
          "[process][detached]") {
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", "samples/lines.wasm"}).exit_code == 0);
    const auto say = [&](const std::string& line, const std::string& answer) {
        Attached attached(fixture);
        attached.type(line + "\n");
        fixture.await_said("job", answer);
    };
    say("one", "1: one");
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    const std::string of_checkpoint = fixture.log_of("job");
    for (int kills = 0; kills < 3; ++kills) {
        say("two", "2: two");

        fixture.kill_and_wait("job");
        CHECK(contains(fixture.log_of("job"), "2: two"));
        REQUIRE(fixture.run({"resume", "-d", "job"}).exit_code == 0);

        CHECK(fixture.log_of("job") == of_checkpoint);
    }
}

TEST_CASE("a killed process in a copy of its store goes on with its log", "[process][detached]") {
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", "samples/lines.wasm"}).exit_code == 0);
    std::string of_checkpoint;
    {
        Attached attached(fixture);
        attached.type("one\n");
        fixture.await_said("job", "1: one");
        REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
        of_checkpoint = fixture.log_of("job");
        attached.type("two\n");
        fixture.await_said("job", "2: two");
    }
    fixture.kill_and_wait("job");
    const std::string copy = fixture.folder() / "copy";
    REQUIRE(std::system(fmt::format("cp -r {} {}", fixture.store(), copy).c_str()) == 0);
    std::filesystem::remove_all(fixture.store());
    std::filesystem::rename(copy, fixture.store());

    const VmResult resumed = fixture.run({"resume", "-d", "job"});

    INFO(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    CHECK(fixture.log_of("job") == of_checkpoint);
}

TEST_CASE("the log goes back and forth with the checkpoints of a process", "[process][detached]") {
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", "samples/lines.wasm"}).exit_code == 0);
    const auto say = [&](const std::string& line, const std::string& answer) {
        Attached attached(fixture);
        attached.type(line + "\n");
        fixture.await_said("job", answer);
    };
    say("one", "1: one");
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    say("two", "2: two");
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    const std::string of_both = fixture.log_of("job");

    REQUIRE(fixture.run({"resume", "-d", "job@1"}).exit_code == 0);

    CHECK_FALSE(contains(fixture.log_of("job"), "2: two"));
    say("another", "2: another");
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    REQUIRE(fixture.run({"resume", "-d", "job@2"}).exit_code == 0);
    CHECK(fixture.log_of("job") == of_both);
}

TEST_CASE("who is attached types to the guest, sees what it says, and ends its input",
          "[process][detached]") {
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", "samples/lines.wasm"}).exit_code == 0);
    Attached attached(fixture);
    attached.type("one\n");
    await_output(attached.process(), "1: one");

    const VmResult second = fixture.run({"attach", "job"});

    CHECK(second.exit_code == 125);
    CHECK(contains(second.err, "pid " + std::to_string(attached.process().pid())));
    attached.type("two\n");
    attached.end_input();
    CHECK(attached.process().wait().exit_code == 0);
    CHECK(contains(attached.process().wait().out, "2: two"));
    CHECK(fixture.row_of("job")["state"] == "exited");
}

TEST_CASE("a process that ran detached goes on in the foreground", "[process][detached]") {
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", "samples/lines.wasm"}).exit_code == 0);
    {
        Attached attached(fixture);
        attached.type("one\n");
        fixture.await_said("job", "1: one");
    }
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    InputPipe rest;
    rest.write("two\n");
    rest.end();
    VmOptions options = fixture.options();
    options.standard_input = rest.reader();

    const VmResult resumed = vm({"resume", "job"}, options);

    CHECK(resumed.exit_code == 0);
    CHECK(contains(resumed.out, "2: two"));
    CHECK_FALSE(contains(fixture.log_of("job"), "2: two"));
}

TEST_CASE("nobody attaches to a process in the foreground", "[process][detached]") {
    const auto program = guest("endless");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program});
    await_output(runner, "begun");

    const VmResult refused = fixture.run({"attach", "job"});

    CHECK(refused.exit_code == 125);
    CHECK(contains(refused.err, "resume -d job"));
    CHECK(fixture.run({"logs", "job"}).exit_code == 125);
}

TEST_CASE("a copy of a detached process has a log of its own", "[process][detached]") {
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", "samples/lines.wasm"}).exit_code == 0);
    {
        Attached attached(fixture);
        attached.type("one\n");
        fixture.await_said("job", "1: one");
    }
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    const std::string image = fixture.folder() / "image";
    REQUIRE(fixture.run({"export", "job", "-o", image}).exit_code == 0);
    REQUIRE(fixture.run({"import", image, "--name", "copy"}).exit_code == 0);

    REQUIRE(fixture.run({"resume", "-d", "copy"}).exit_code == 0);

    CHECK(fixture.log_of("copy").empty());
    CHECK(contains(fixture.log_of("job"), "1: one"));
}

TEST_CASE("a log that somebody else has changed refuses the resume unless it is kept",
          "[process][detached]") {
    const DetachedFixture fixture;
    const auto begun = fixture.run_json({"run", "-d", "--name", "job", "samples/lines.wasm"});
    {
        Attached attached(fixture);
        attached.type("one\n");
        fixture.await_said("job", "1: one");
        REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
        attached.type("two\n");
        fixture.await_said("job", "2: two");
    }
    fixture.kill_and_wait("job");
    std::filesystem::path log;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(fixture.store())) {
        if (entry.path().filename() == "log") log = entry.path();
    }
    std::filesystem::resize_file(log, 1);

    const VmResult refused = fixture.run({"resume", "-d", "job"});

    CHECK(refused.exit_code == 125);
    CHECK(contains(refused.err, "the log of the process"));
    CHECK(contains(refused.err, "--on-resume keep"));
    CHECK(fixture.run({"resume", "-d", "--on-resume", "keep", "job"}).exit_code == 0);
}
