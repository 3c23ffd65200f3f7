#include <csignal>
#include <fstream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/detached_fixture.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A process `job` that has taken job@1 and job@2 and has ended.
class HistoryFixture : public DetachedFixture {
public:
    explicit HistoryFixture(const std::string& program) {
        REQUIRE(run({"run", "--name", "job", program}).exit_code == 0);
    }

    /// The numbers of the checkpoints in its log.
    [[nodiscard]] std::vector<int> log_of_ids(const std::string& name) const {
        std::vector<int> ids;
        const auto log = run_json({"log", name});
        for (const auto& row : log["checkpoints"])
            ids.push_back(row["id"].get<int>());
        return ids;
    }
};

}  // namespace

TEST_CASE("a tag stands for its checkpoint wherever one is named", "[process][tags]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const HistoryFixture fixture(*program);

    REQUIRE(fixture.run({"tag", "job@1", "good"}).exit_code == 0);
    REQUIRE(fixture.run({"tag", "job", "last"}).exit_code == 0);

    const auto tags = fixture.run_json({"tag", "job"})["tags"];
    REQUIRE(tags.dump() == R"([{"checkpoint":1,"name":"good"},{"checkpoint":2,"name":"last"}])");
    REQUIRE(contains(fixture.run({"log", "job"}).out, "(head, tag: last)"));
    REQUIRE(fixture.run_json({"log", "job"})["checkpoints"][0]["tags"][0] == "good");
    const std::string image = fixture.folder() / "image";
    REQUIRE(fixture.run({"export", "job@good", "-o", image}).exit_code == 0);
    REQUIRE(fixture.run({"leases", "job@good"}).exit_code == 0);
    REQUIRE(fixture.run({"volume", "ls", "job@good"}).exit_code == 0);
    REQUIRE(contains(fixture.run({"resume", "job@good"}).out, "generation 0"));
    REQUIRE(fixture.run_json({"log", "job"})["checkpoints"][2]["parent"] == 1);
    const VmResult unknown = fixture.run({"resume", "job@goood"});
    REQUIRE(unknown.exit_code == 125);
    REQUIRE(contains(unknown.err, "vm tag job"));
}

TEST_CASE("a store tells what a fork shares, and what nobody would miss", "[process][store]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const HistoryFixture fixture(*program);
    REQUIRE(fixture.run({"fork", "job@1", "twin"}).exit_code == 0);

    const auto usage = fixture.run_json({"store", "stat"});
    const VmResult shown = fixture.run({"store", "stat"});

    const auto& job = usage["processes"][usage["processes"][0]["process"]["name"] == "job" ? 0 : 1];
    const auto& twin = usage["processes"][&job == &usage["processes"][0] ? 1 : 0];
    REQUIRE(twin["process"]["name"] == "twin");
    REQUIRE(twin["checkpoints"] == 1);
    REQUIRE(twin["alone_bytes"] == 0);
    REQUIRE(twin["shared_bytes"] > 0);
    REQUIRE(job["alone_bytes"] > 0);
    REQUIRE(usage["kinds"]["memory_bytes"] > 0);
    REQUIRE(usage["kinds"]["machine_states_bytes"] > 0);
    REQUIRE(usage["modules"].size() == 1);
    std::uint64_t sum = 0;
    for (const auto& bytes : usage["kinds"])
        sum += bytes.get<std::uint64_t>();
    REQUIRE(usage["files_bytes"] == sum);
    REQUIRE(contains(shown.out, "memory of the guests"));
    REQUIRE(contains(shown.out, "twin"));
}

TEST_CASE("a tag is moved by force, deleted, and goes with a removed checkpoint",
          "[process][tags]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const HistoryFixture fixture(*program);
    REQUIRE(fixture.run({"tag", "job@1", "good"}).exit_code == 0);

    const VmResult refused = fixture.run({"tag", "job@2", "good"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE(contains(refused.err, "vm tag --force job@2 good"));
    REQUIRE(fixture.run({"tag", "--force", "job@2", "good"}).exit_code == 0);
    REQUIRE(fixture.run_json({"tag", "job"})["tags"][0]["checkpoint"] == 2);
    REQUIRE(fixture.run({"tag", "-d", "job", "good"}).exit_code == 0);
    REQUIRE(fixture.run_json({"tag", "job"})["tags"].empty());
    REQUIRE(fixture.run({"tag", "-d", "job", "good"}).exit_code == 125);
    REQUIRE(fixture.run({"tag", "job@1", "7"}).exit_code == 125);
    REQUIRE(fixture.run({"tag", "job@1", "old"}).exit_code == 0);
    REQUIRE(fixture.run({"rm", "job@old"}).exit_code == 0);
    REQUIRE(fixture.run_json({"tag", "job"})["tags"].empty());
}

TEST_CASE("prune removes what no rule keeps, but for what has a tag", "[process][prune]") {
    const auto program = guest("endless");
    if (!program) return;
    const DetachedFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", *program});
    await_output(runner, "begun");
    for (int count = 0; count < 5; ++count)
        REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    REQUIRE(fixture.run({"tag", "job@2", "good"}).exit_code == 0);

    const auto planned = fixture.run_json({"prune", "job", "--keep", "last=2", "--dry-run"});
    const auto before = fixture.run_json({"log", "job"})["checkpoints"].size();
    const auto pruned = fixture.run_json({"prune", "job", "--keep", "last=2"});

    REQUIRE(before == 5);
    REQUIRE(planned["dry_run"] == true);
    REQUIRE(pruned["dry_run"] == false);
    REQUIRE(pruned["removed"] == nlohmann::json::array({1, 3}));
    REQUIRE(planned["removed"] == pruned["removed"]);
    REQUIRE(pruned["freed_bytes"] > 0);
    REQUIRE(fixture.run_json({"log", "job"})["checkpoints"].size() == 3);
    REQUIRE(fixture.run({"prune", "job"}).exit_code == 125);
    REQUIRE(fixture.run({"store", "verify"}).exit_code == 0);
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
}

TEST_CASE("prune says how many go, then which, then what that freed", "[process][prune]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const HistoryFixture fixture(*program);

    const VmResult planned = fixture.run({"prune", "job", "--keep", "last=1", "--dry-run"});
    const VmResult pruned = fixture.run({"prune", "job", "--keep", "last=1"});
    const VmResult nothing = fixture.run({"prune", "job", "--keep", "last=1"});

    REQUIRE(planned.out.starts_with("would remove 1 checkpoints of job\njob@1\nwould free "));
    REQUIRE(pruned.out.starts_with("removing 1 checkpoints of job\njob@1\nfreed "));
    REQUIRE(nothing.out == "freed 0 B of 0 checkpoints\n");
}

TEST_CASE("a dry run of rm tells what would be free and removes nothing", "[process][prune]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const HistoryFixture fixture(*program);

    const auto one = fixture.run_json({"rm", "--dry-run", "job@1"});
    const auto all = fixture.run_json({"rm", "--dry-run", "job"});

    REQUIRE(one["freed_bytes"] > 0);
    REQUIRE(all["freed_bytes"] > one["freed_bytes"]);
    REQUIRE(fixture.log_of_ids("job") == std::vector{1, 2});
    REQUIRE(fixture.run({"rm", "--dry-run", "job@2"}).exit_code == 125);
    REQUIRE(fixture.run({"rm", "--dry-run", "job@9"}).exit_code == 125);
}

TEST_CASE("forks go on by themselves and each knows that it is a copy", "[process][fork]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const DetachedFixture fixture;
    REQUIRE(contains(fixture.run({"run", "--name", "job", *program}).out, "generation 0"));

    const VmResult forked = fixture.run({"fork", "job@1", "copy", "--count", "2"});

    REQUIRE(forked.out == "copy-1\ncopy-2\n");
    REQUIRE(fixture.row_of("copy-1")["state"] == "suspended");
    REQUIRE(fixture.row_of("copy-1")["id"] != fixture.row_of("copy-2")["id"]);
    const std::string first = fixture.run({"resume", "copy-1"}).out;
    REQUIRE(contains(first, "round 1"));
    REQUIRE(contains(first, "generation 1"));
    REQUIRE(contains(fixture.run({"resume", "copy-2"}).out, "generation 2"));
    REQUIRE(fixture.run_json({"log", "copy-1"})["checkpoints"][0]["id"] == 1);
    REQUIRE(fixture.run({"fork", "job", "copy-1"}).exit_code == 125);
    REQUIRE(fixture.run({"fork", "job@99", "other"}).exit_code == 125);
    REQUIRE(fixture.run({"rm", "job"}).exit_code == 0);
    const auto own = fixture.run_json({"log", "copy-1"})["checkpoints"].back()["id"];
    REQUIRE(contains(fixture.run({"resume", "copy-1@" + own.dump()}).out, "generation 1"));
    REQUIRE(fixture.run({"store", "verify"}).exit_code == 0);
}

TEST_CASE("forks of one checkpoint run at once in the background", "[process][fork][detached]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const HistoryFixture fixture(*program);

    const auto forked = fixture.run_json({"fork", "job@1", "copy", "--count", "4", "-d"});

    REQUIRE(forked["copies"].size() == 4);
    for (const auto& copy : forked["copies"]) {
        const std::string name = copy["name"];
        REQUIRE(copy["pid"].is_number_integer());
        REQUIRE(fixture.run({"wait", name}).exit_code == 0);
        REQUIRE(contains(fixture.log_of(name), "generation"));
    }
}

TEST_CASE("a fork takes files only as its checkpoint saw them", "[process][fork]") {
    const auto program = guest("keeper");
    if (!program) return;
    const ProcessFixture fixture;
    std::ofstream(fixture.work() / "input") << "text";
    const auto feed = [&](const std::vector<std::string>& arguments, const std::string& input) {
        InputPipe pipe;
        pipe.write(input);
        pipe.end();
        VmOptions options = fixture.options();
        options.standard_input = pipe.reader();
        return vm(arguments, options);
    };
    const InputPipe waiting;
    waiting.write("append one\n");
    VmOptions options = fixture.options();
    options.standard_input = waiting.reader();
    const std::string grant = fixture.work().string() + "::/";
    VmProcess runner({"run", "--name", "job", "--dir", grant, *program}, options);
    await_output(runner, "appended");
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    REQUIRE(fixture.run({"fork", "job", "early"}).exit_code == 0);
    REQUIRE(fixture.run({"fork", "job", "late"}).exit_code == 0);

    const VmResult early = feed({"resume", "early"}, "quit\n");
    REQUIRE(feed({"resume", "job"}, "append two\nquit\n").out == "appended\n");
    const VmResult late = feed({"resume", "late"}, "quit\n");

    INFO(early.err << late.err);
    REQUIRE(early.exit_code == 0);
    REQUIRE(late.exit_code == 125);
    REQUIRE(contains(late.err, "log"));
    REQUIRE(read_text(fixture.work() / "log") == "one\ntwo\n");
    REQUIRE(feed({"resume", "--on-resume", "keep", "late"}, "quit\n").exit_code == 0);
}

TEST_CASE("a fork that is killed in the middle leaves nothing behind", "[process][fork]") {
    const auto program = guest("own_checkpoint");
    if (!program) return;
    const HistoryFixture fixture(*program);
    VmOptions killed = fixture.options();
    killed.environment.emplace_back("SOJOURN_FAULT=store_fork_before_commit:kill");

    REQUIRE(vm({"fork", "job@1", "copy"}, killed).exit_code == 137);

    REQUIRE(fixture.row_of("copy").is_null());
    REQUIRE(fixture.run({"store", "verify"}).exit_code == 0);
    REQUIRE(fixture.run({"fork", "job@1", "copy"}).exit_code == 0);
    REQUIRE(fixture.run({"rm", "copy"}).exit_code == 0);
    // Nobody stands there any more: what was left behind was cleared away.
    REQUIRE(fixture.run({"rm", "job@1"}).exit_code == 0);
    REQUIRE(fixture.run({"store", "verify"}).exit_code == 0);
}

TEST_CASE("switch suspends one process and resumes another", "[process][switch]") {
    const auto program = guest("own_checkpoint");
    const auto endless = guest("endless");
    if (!program || !endless) return;
    const HistoryFixture fixture(*program);
    VmProcess runner = fixture.start({"run", "--name", "busy", *endless});
    await_output(runner, "begun");

    const VmResult refused = fixture.run({"switch", "busy", "nobody"});
    REQUIRE(refused.exit_code == 125);
    REQUIRE_FALSE(runner.has_ended());

    const VmResult switched = fixture.run({"switch", "busy", "job@1"});

    REQUIRE(switched.exit_code == 0);
    REQUIRE(contains(switched.out, "generation 0"));
    REQUIRE(runner.wait().exit_code == 75);
    REQUIRE(fixture.row_of("busy")["state"] == "suspended");
    REQUIRE(fixture.run({"switch", "busy", "job@1"}).exit_code == 125);
}

TEST_CASE("switch takes a running process back to a checkpoint of its own", "[process][switch]") {
    const auto program = guest("endless");
    if (!program) return;
    const DetachedFixture fixture;
    REQUIRE(fixture.run({"run", "-d", "--name", "job", *program}).exit_code == 0);
    fixture.await_said("job", "begun");
    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);

    REQUIRE(fixture.run({"switch", "-d", "job", "job@1"}).exit_code == 0);

    REQUIRE(fixture.row_of("job")["state"] == "running");
    REQUIRE(fixture.row_of("job")["head"] == 1);
    REQUIRE(fixture.run_json({"log", "job"})["checkpoints"].size() == 2);
}
