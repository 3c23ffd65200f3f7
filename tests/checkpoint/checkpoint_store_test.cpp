#include <csignal>

#include <catch2/catch.hpp>

#include "tests/checkpoint/holder.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A fixture whose store leaves its checkpoints to another one.
class SeparateFixture : public ProcessFixture {
public:
    [[nodiscard]] std::string checkpoints() const { return folder() / "checkpoints"; }
    [[nodiscard]] VmResult run_there(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"--store", checkpoints()});
        return run(arguments);
    }
    [[nodiscard]] bool is_clean(const std::string& store) const {
        return fs::is_empty(fs::path(store) / "families");
    }
};

}  // namespace

TEST_CASE("checkpoints in a separate store resume from either address after a kill", "[store]") {
    const auto program = guest("holder");
    if (!program) return;
    const SeparateFixture fixture;
    const std::string expected = fixture.run({"run", *program}).out;
    const bool is_addressed_there = GENERATE(false, true);
    const std::string begun = suspend_when_changed(
        fixture, *program, {"--checkpoint-store", fixture.checkpoints(), "--cache", "512K"});
    REQUIRE(fixture.is_clean(fixture.store()));
    REQUIRE_FALSE(fixture.is_clean(fixture.checkpoints()));
    {
        const auto endless = guest("endless");
        VmProcess killed = fixture.start({"run", "--name", "other", *endless});
        await_output(killed, "begun");
        REQUIRE(fixture.run_there({"checkpoint", "other"}).exit_code == 0);
        killed.send(SIGKILL);
        killed.wait();
        REQUIRE(fixture.row_of("other")["state"] == "crashed");
        VmProcess resumed = fixture.start({"resume", "--store", fixture.checkpoints(), "other"});
        await("the new owner", [&] { return fixture.row_of("other")["state"] == "running"; });
        const VmResult second = fixture.run({"resume", "other"});
        REQUIRE(second.exit_code == 125);
        REQUIRE(contains(second.err, "pid " + std::to_string(resumed.pid())));
        REQUIRE(fixture.run({"suspend", "other"}).exit_code == 0);
    }

    const VmResult resumed =
        is_addressed_there ? fixture.run_there({"resume", "job"}) : fixture.run({"resume", "job"});

    REQUIRE(begun + resumed.out == expected);
    REQUIRE(fixture.run({"log", "job"}).out == fixture.run_there({"log", "job"}).out);
    REQUIRE(fixture.run({"ps"}).out == fixture.run_there({"ps"}).out);
    REQUIRE(fixture.run({"rm", "other"}).exit_code == 0);
    REQUIRE(fixture.run_there({"export", "job", "-o", fixture.folder() / "i"}).exit_code == 0);
}

TEST_CASE("a heap in memory alone may keep its checkpoints", "[store]") {
    const auto program = guest("holder");
    if (!program) return;
    const SeparateFixture fixture;
    const std::string expected = fixture.run({"run", *program}).out;

    const std::string begun = suspend_when_changed(
        fixture, *program, {"--store", "mem:", "--checkpoint-store", fixture.store()});
    const VmResult resumed = fixture.run({"resume", "job"});

    REQUIRE(begun + resumed.out == expected);
}

TEST_CASE("what a checkpoint store can't be is refused by name", "[store]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const SeparateFixture fixture;
    const std::string folder = fixture.folder();
    const std::string own = folder + "/own";
    const std::string other = folder + "/other";
    REQUIRE(fixture.run({"store", "init", "--checkpoint-store", fixture.checkpoints()}).exit_code ==
            0);
    REQUIRE(fixture.run({"run", "--store", own, "--name", "job", *program}).exit_code == 7);
    REQUIRE(fixture.run({"store", "init", folder + "/small", "--unit", "4K"}).exit_code == 0);
    const std::pair<std::vector<std::string>, std::string> commands[] = {
        {{"store", "init", own, "--checkpoint-store", other}, "processes of its own"},
        {{"store", "init", "--checkpoint-store", other}, "not in " + other},
        {{"run", "--name", "job", "--checkpoint-store", other, *program}, "not in " + other},
        {{"store", "init"}, "--checkpoint-store " + fixture.checkpoints()},
        {{"store", "init", other, "--checkpoint-store", other}, "both"},
        {{"store", "init", other, "--checkpoint-store", fixture.store()}, fixture.checkpoints()},
        {{"store", "init", other, "--checkpoint-store", folder + "/small"}, "--unit 4K"},
        {{"run", "--name", "job", "--store", folder + "/small", "--checkpoint-store",
          fixture.checkpoints(), *program},
         "must agree"},
        {{"run", "--checkpoint-store", other, *program}, "--name"},
    };
    for (const auto& [command, part] : commands) {
        const VmResult result = fixture.run(command);
        INFO(command.front() << ": " << result.err);
        CHECK(result.exit_code == 125);
        CHECK(contains(result.err, part));
        CHECK_FALSE(fs::exists(other + "/catalogue"));
        fs::remove_all(other);
    }
    REQUIRE(fixture.run({"ps", "--store", own}).exit_code == 0);
    REQUIRE(fixture.run_json({"store", "init", "--checkpoint-store",
                              fixture.checkpoints()})["created"] == false);
}

TEST_CASE("a checkpoint store that is not mounted is named, and never made anew", "[store]") {
    const SeparateFixture fixture;
    REQUIRE(fixture.run({"store", "init", "--checkpoint-store", fixture.checkpoints()}).exit_code ==
            0);
    const std::string elsewhere = fixture.folder() / "elsewhere";
    fs::rename(fixture.checkpoints(), elsewhere);
    const bool has_mount_point = GENERATE(false, true);
    if (has_mount_point) fs::create_directory(fixture.checkpoints());

    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"ps"},
          {"store", "init", "--checkpoint-store", fixture.checkpoints()},
          {"import", "/dev/null"}}) {
        const VmResult result = fixture.run(command);
        INFO(result.err);
        CHECK(result.exit_code == 125);
        CHECK(contains(result.err, fixture.checkpoints()));
        CHECK(contains(result.err, "mount it"));
    }
    REQUIRE(fixture.run({"ps", "--store", elsewhere}).exit_code == 0);
}
